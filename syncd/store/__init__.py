"""The state of syncd: what has been read, what each target should have and has, and the journal of every call.

`database` opens it, `schema` lays it out; each verb has its module: `intake` (what a poll read becomes ledger rows), `ledger`
(leases and outcomes), `journal` (reading back what happened), `board` (targets, leases, cursor), `orders` (what an
administrator does). SQLite is embedded and the default; PostgreSQL carries several nodes.
"""
