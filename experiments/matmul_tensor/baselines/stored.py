"""A stored construction instead of a search, as published.

Strassen's algorithm, its square, Laderman's, and AlphaTensor's modulo 2.

Sources: V. Strassen, Gaussian elimination is not optimal, Numer. Math. 13 (1969); J. Laderman, A
noncommutative algorithm for multiplying 3 x 3 matrices using 23 multiplications, Bull. AMS 82
(1976); A. Fawzi et al., Discovering faster matrix multiplication algorithms with reinforcement
learning, Nature 610 (2022), "4,4,4" in `algorithms/factorizations_f2.npz` of
google-deepmind/alphatensor (CC BY 4.0; its third factor yields C transposed, here it yields C). A
line is one multiplication: what of A, times what of B, and where in C the product goes with which
sign.
"""

import re

import numpy as np

STRASSEN = """
+a11+a22 | +b11+b22 | +c11+c22
+a21+a22 | +b11     | +c21-c22
+a11     | +b12-b22 | +c12+c22
+a22     | +b21-b11 | +c11+c21
+a11+a12 | +b22     | -c11+c12
+a21-a11 | +b11+b12 | +c22
+a12-a22 | +b21+b22 | +c11
"""

LADERMAN = """
+a11+a12+a13-a21-a22-a32-a33 | +b22                         | +c12
+a11-a21                     | -b12+b22                     | +c21+c22
+a22                         | -b11+b12+b21-b22-b23-b31+b33 | +c21
-a11+a21+a22                 | +b11-b12+b22                 | +c12+c21+c22
+a21+a22                     | -b11+b12                     | +c12+c22
+a11                         | +b11                         | +c11+c12+c13+c21+c22+c31+c33
-a11+a31+a32                 | +b11-b13+b23                 | +c13+c31+c33
-a11+a31                     | +b13-b23                     | +c31+c33
+a31+a32                     | -b11+b13                     | +c13+c33
+a11+a12+a13-a22-a23-a31-a32 | +b23                         | +c13
+a32                         | -b11+b13+b21-b22-b23-b31+b32 | +c31
-a13+a32+a33                 | +b22+b31-b32                 | +c12+c31+c32
+a13-a33                     | +b22-b32                     | +c31+c32
+a13                         | +b31                         | +c11+c12+c13+c21+c23+c31+c32
+a32+a33                     | -b31+b32                     | +c12+c32
-a13+a22+a23                 | +b23+b31-b33                 | +c13+c21+c23
+a13-a23                     | +b23-b33                     | +c21+c23
+a22+a23                     | -b31+b33                     | +c13+c23
+a12                         | +b21                         | +c11
+a23                         | +b32                         | +c22
+a21                         | +b13                         | +c23
+a31                         | +b12                         | +c32
+a33                         | +b33                         | +c33
"""

ALPHATENSOR = """
+a13                         | +b31                         | +c11+c12+c21
+a13+a22+a23                 | +b21+b24+b34                 | +c14+c21
+a13+a21+a23                 | +b11+b13+b33                 | +c13+c21
+a13+a23                     | +b11+b13+b21+b24+b31+b33+b34 | +c21
+a11                         | +b11                         | +c11+c13+c31
+a11+a31                     | +b11+b12+b14+b21+b24+b31+b32 | +c31
+a11+a31+a33                 | +b12+b31+b32                 | +c12+c31
+a11+a12+a13+a22+a23+a31+a32 | +b21+b24                     | +c14
+a12+a41+a42                 | +b11+b13+b23                 | +c13+c41
+a12+a42+a43                 | +b22+b31+b32                 | +c12+c41
+a12+a42                     | +b11+b13+b21+b22+b23+b31+b32 | +c41
+a11+a12+a13+a21+a23+a41+a42 | +b11+b13                     | +c13
+a11+a12+a13+a31+a33+a42+a43 | +b31+b32                     | +c12
+a41                         | +b12+b13+b23+b41+b42         | +c33+c41+c43
+a14+a41+a44                 | +b12+b41+b42                 | +c12+c32+c33+c41+c42+c43
+a14+a44                     | +b12+b33+b41+b42+b43         | +c22+c33+c41+c42+c43
+a11+a31+a32                 | +b14+b21+b24                 | +c14+c31
+a14+a32+a34+a41+a44         | +b41+b42                     | +c12+c32+c33+c42+c44
+a14+a32+a34                 | +b22+b41+b42                 | +c12+c31+c32+c34+c42+c44
+a14+a34                     | +b22+b34+b41+b42+b44         | +c22+c31+c32+c34+c44
+a22                         | +b23+b24+b34+b41+b43         | +c21+c24+c44
+a14+a22+a24                 | +b23+b41+b43                 | +c13+c21+c23+c24+c43+c44
+a14+a43+a44                 | +b33+b41+b43                 | +c13+c22+c23+c41+c42+c43
+a14+a21+a23+a43+a44         | +b33                         | +c13+c22+c23
+a14+a22+a34+a43             | +b22+b34+b41+b43             | +c22+c44
+a33                         | +b12+b32+b34+b41+b44         | +c22+c31+c32
+a14+a24                     | +b14+b23+b41+b43+b44         | +c21+c23+c24+c33+c44
+a14+a21+a24                 | +b14+b41+b44                 | +c14+c21+c23+c24+c33+c34
+a14+a32+a34+a42+a43         | +b22                         | +c12+c42+c44
+a14+a22+a24+a43+a44         | +b41+b43                     | +c13+c22+c23+c43+c44
+a14 | +b41 | +c11+c12+c13+c14+c21+c23+c24+c31+c32+c34+c41+c42+c43
+a14+a33+a34                 | +b34+b41+b44                 | +c14+c22+c24+c31+c32+c34
+a21+a31+a41                 | +b12+b13+b14                 | +c33
+a14+a22+a24+a41+a42         | +b23                         | +c13+c43+c44
+a24+a34+a44                 | +b42+b43+b44                 | +c22+c33+c44
+a14+a22+a23+a33+a34         | +b34                         | +c14+c22+c24
+a23+a33+a43                 | +b32+b33+b34                 | +c22
+a22+a32+a42                 | +b22+b23+b24                 | +c44
+a12                         | +b21                         | +c11+c14+c41
+a14+a21+a24+a33+a34         | +b41+b44                     | +c14+c22+c24+c33+c34
+a43                         | +b22+b32+b33+b41+b43         | +c22+c41+c42
+a21                         | +b13+b14+b33+b41+b44         | +c21+c23+c33
+a14+a21+a24+a31+a32         | +b14                         | +c14+c33+c34
+a14+a24+a32+a41             | +b14+b23+b41+b42             | +c33+c44
+a32                         | +b14+b22+b24+b41+b42         | +c31+c34+c44
+a14+a21+a33+a44             | +b12+b33+b41+b44             | +c22+c33
+a14+a31+a33+a41+a44         | +b12                         | +c12+c32+c33
"""


def decompose(m: int, n: int, p: int, field: str, seed: int) -> np.ndarray:
    """Returns `(parts, mn + np + mp, mnp)` int64 for 2,2,2, 3,3,3 and 4,4,4, over any field.

    The seed changes nothing.
    """
    strassen = factors(STRASSEN, 2)
    four = factors(ALPHATENSOR, 4) if field == "mod2" else [square(one) for one in strassen]
    stored = {(2, 2, 2): strassen, (3, 3, 3): factors(LADERMAN, 3), (4, 4, 4): four}
    stacked = np.concatenate(stored[m, n, p])
    answer = np.zeros((2 if field == "complex" else 1, len(stacked), m * n * p), dtype=np.int64)
    answer[0, :, : stacked.shape[1]] = stacked * (2 if field in ("half", "complex") else 1)
    return answer % 2 if field == "mod2" else answer


def factors(table: str, size: int) -> list[np.ndarray]:
    """The three factors, each `(size x size, lines)`, of square matrices."""
    lines = [line.split("|") for line in table.strip().split("\n")]
    tables = np.zeros((3, size * size, len(lines)), dtype=np.int64)
    for column, parts in enumerate(lines):
        for matrix, part in enumerate(parts):
            for sign, row, place in re.findall(r"([+-])[abc](\d)(\d)", part):
                tables[matrix, (int(row) - 1) * size + int(place) - 1, column] = int(sign + "1")
    return list(tables)


def square(factor: np.ndarray) -> np.ndarray:
    """The factor of the algorithm that is applied to 2 x 2 blocks and again inside them.

    `(4, t)` to `(16, t x t)`.
    """
    blocks = factor.reshape(2, 2, -1)
    return np.einsum("ijt,klu->ikjltu", blocks, blocks).reshape(16, -1)
