"""The I-office connector: `options` is what it can be told, `mapping` puts drafts into its terms, `wire` is what its two dialects share.

`soap` speaks the contract's SOAP: `carrier` keeps zeep on our own HTTP, `service` calls it, `answers` judges what comes back, and
`collect` is the way back. `vnpt` speaks VNPT's REST.
"""
