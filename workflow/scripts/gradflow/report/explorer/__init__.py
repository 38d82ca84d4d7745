"""The explorer: one page that opens offline, in which a reader compares arms, steps, layers and quantities.

`arms` says what it shows, `from_results` and `from_file` read that, `packing` makes it small, and `page` puts it beside
the script, the style and the frame, which are files of this folder, and D3, which draws: mpld3 of the lock brings it.
Nothing is fetched.
"""
