"""Who works where: the files that HR imports, as checked rows. Reading only; what becomes of the rows is `record`'s."""
