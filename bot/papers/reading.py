"""Whether what was read on a page says certain words. Pure; only the standard library.

Who reads Thai from a picture is sure of its large letters only: marks above and below come out as others, or not at
all, ำ as ํ and า, and spaces anywhere. So nothing else is compared, and one letter may be wrong.
"""

LARGE = frozenset("กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรฤลฦวศษสหฬอฮเแโใไ")
WRONG_MOST = 1
TEXT_MOST = 8_000  # characters that are looked at: more stands on no page


def skeleton(text: str) -> str:
    """Consonants, leading vowels, digits and Latin letters."""
    return "".join(letter for letter in text if letter in LARGE or (letter.isascii() and letter.isalnum()))


def says(text: str, words: str) -> bool:
    return _wrong(skeleton(text[:TEXT_MOST]), skeleton(words)) <= WRONG_MOST


def _wrong(text: str, words: str) -> int:
    """How many letters are missing, added or others in that part of `text` which is most like `words`."""
    above = [0] * (len(text) + 1)
    for row, letter in enumerate(words, 1):
        line = [row]
        for column, other in enumerate(text, 1):
            line.append(min(above[column - 1] + (letter != other), above[column] + 1, line[-1] + 1))
        above = line
    return min(above)
