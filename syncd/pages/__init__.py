"""Pages for people to read, print and sign: one HTML file each, in Vietnamese, that needs nothing but a browser.

A page loads nothing, from the network or from beside it: style and charts stand in the file, there is no script, and a policy
in its head forbids the browser to fetch anything. Every text is escaped (Jinja2, autoescape), and characters that have no
place in a document are left out of it. Pages name dossiers by their code only: the values they are made from have no room for
a citizen's name.

`values` are what a page shows, `rendering` makes the page, `charts` draws for it. The charts need matplotlib, which is heavy and
therefore an extra (`report`); a page without charts does not need it.
"""
