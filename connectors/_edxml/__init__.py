"""edXML, the package in which Vietnamese agencies exchange documents (QCVN 102:2016/BTTTT and its amendment of 2022).

Written strictly, read tolerantly: `writing` puts every element in its place and refuses what is incomplete; `reading` goes by
local names in any order. `parsing` and `files` stand between the reader and whoever made the package: nothing external is
fetched, no entity is expanded, and no input makes them hold more than `limits` allows. `issued` says what a package means.
"""
