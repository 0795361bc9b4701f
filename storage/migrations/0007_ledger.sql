CREATE TABLE ledger_end (                  -- one row: where the ledger of erasures ended when this was committed
    id INTEGER PRIMARY KEY,
    mac TEXT NOT NULL                      -- of that line, in the file ERASED_FILE; it may have more lines, but not fewer
);
