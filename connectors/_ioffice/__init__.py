"""The I-office connector: `options` is what it can be told, `mapping` puts drafts into its terms, `wire` is what its two dialects have
in common, `soap` with `service` and `answers` speaks the contract's SOAP, `collect` is its way back, `vnpt` speaks VNPT's REST."""
