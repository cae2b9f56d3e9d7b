"""How documents lie in memory: tags, packed numbers, and the fields of a segment and of a query.

What is done with them does not live here; only constants do, so that kernels freeze them in.
"""

BLOCK = 16
"""Documents of one bound."""

WHOLE = (1 << BLOCK) - 1
"""All documents of a block, as bits."""

REGION = 16
"""Blocks whose places are asked for in one question."""

REGION_DOCS = REGION * BLOCK

MAX_SEGMENT = 1 << 16
"""Documents of one segment: their places fit 16 bits, and their sums fit a core's own cache."""

MOST_FREQUENT = 255
"""Terms of a segment that are kept with the documents: their numbers fit 8 bits."""

MOST_SHOWN = (1 << 16) - 1
"""Names of a segment that are kept with the documents as well: rows and counts fit 16 bits."""

# A tag is what a document says in codes: kind and value in 31 bits.
TAG_BITS = 29
TAG_VALUE = (1 << TAG_BITS) - 1
PLACE, OCCUPATION, CERTIFICATE, WANTED = 0, 1, 2, 3
"""A seeker's places come first, the home before the others. CERTIFICATE: held, or required."""
LEVEL_BITS = 4
"""A CERTIFICATE's value is its occupation's number and, in the low bits, its level."""

# Small numbers in one: years (7 bits), education (3), employment (5), remote (1), and of a
# posting the weights of its skills added up (the rest).
YEARS_MASK = (1 << 7) - 1
EDUCATION_AT, EDUCATION_MASK = 7, 7
EMPLOYMENT_AT, EMPLOYMENT_MASK = 10, 31
WAYS_MASK = 63
"""Employment and, above it, remote."""
REMOTE_AT = 15
WHOLE_AT = 16

CERTIFIED_AT = 16
"""Of a seeker: whether any certificate is held."""

# Columns of a document's numbers. A posting: lowest pay, highest pay, packed, row of its weights. A
# seeker: least pay, home (NONE without), packed, up to two occupations of 16 bits each (NO_OTHER
# where there are fewer; SEVERAL where there are more).
PAY_LOW, PAY_HIGH, PACKED, WEIGHTS = 0, 1, 2, 3
HOME, ONLY = 1, 3
N_NUMBERS = 4
NONE, SEVERAL = -1, -2
NO_OTHER = (1 << 15) - 1

MOST_BESIDE = 9
"""Counties that border one, at most."""

# Columns of the weights, as in `model.Weights`.
W_TEXT, W_SKILLS, W_PAY, W_PLACE, W_YEARS, W_OCCUPATION, W_CERTIFICATE = range(7)

# Masks of a block and of a query: sets of codes by their number modulo 64. A block that shares no
# bit with the query holds none of the query's codes. M_PLACE: places accepted, or where it is.
# M_HOME, M_AROUND: homes and their prefectures, or where it is. M_PATH: one for each level of the
# tree of occupations. Of a query and of no block: M_REQUIRED, of a posting; M_BESIDE, the counties
# that border the home, or where it is.
# What a search asks of every block, M_PLACE, lies by itself; in its place a block has M_BOUNDS, so
# that all that is asked of fewer is one line of memory.
M_HOME, M_AROUND, M_PATH, M_CERTIFICATE, M_PLACE, M_REQUIRED, M_BESIDE = 0, 1, 2, 6, 7, 8, 9
M_BOUNDS = M_PLACE
N_MASKS = 8

# Bounds of a block, in one number: the least or the most of what its documents hold, whichever is
# the better. Ways: employment and remote, as they are packed. Shown: names kept with a document.
# Norm: the length of its frequent terms. Text: the weight of a posting's.
B_EDUCATION_AT, B_SHOWN_AT, B_NORM_AT, B_TEXT_AT = 6, 9, 25, 41

# Fields of a segment in the table that the search reads: sizes, then addresses.
(
    S_DOCS,
    S_ALIVE,
    S_SLOT,
    S_ROWS,
    S_START,
    S_IDS,
    S_IMPACTS,
    S_N_FREQUENT,
    S_FREQUENT,
    S_F_START,
    S_F_TERM,
    S_F_IMPACT,
    S_NORM,
    S_SPELLINGS,
    S_K_ROWS,
    S_K_START,
    S_K_IDS,
    S_K_WEIGHS,
    S_T_START,
    S_TAGS,
    S_NUMBERS,
    S_PLACES,
    S_MASKS,
    S_THRESHOLD,
    S_REGIONS,
    S_HOLDING,
    S_SHOWN_START,
    S_SHOWN,
    S_K_NUMBERS,
    S_KEPT,
    S_MOST_NORM,
    S_MOST_SHOWN,
) = range(32)
N_FIELDS = 32

# What a search counts, and how far it is.
C_HEAP, C_HITS, C_STAMP, C_BLOCKS, C_DOCS, C_POSTINGS, C_SCORED, C_SEGMENTS, C_MAYBE = range(9)
N_COUNTERS = 9

# Columns of what may belong to an answer: the document, the most it can reach, and what its pay and
# years add; and its place in the order in which they are weighed.
MAYBE_DOC, MAYBE_MOST, MAYBE_POINTS, MAYBE_NEXT = range(4)
N_MAYBE = 4

SEEKERS, POSTINGS = 0, 1
"""Which side the documents of an index are."""
