-- The two tables into which syncd writes what document systems issued, on SQL Server (settings.inbox of the mapping).
-- UNTESTED: written from the documentation, never run against this database by syncd's own tests.
--
-- A row is written once and never changed by syncd. Read what is new (taken_at IS NULL) in the order of id, do with it what the
-- one-stop does with a result, and set taken_at. Give the account of source.write_url SELECT and INSERT on both, nothing else.

-- syncd_inbox: one row a document, or word of one.
CREATE TABLE syncd_inbox (
    id bigint IDENTITY(1,1) PRIMARY KEY,  -- given by the database; the files name it
    target nvarchar(64) NOT NULL,         -- which document system it came from, as syncd's configuration calls it
    document nvarchar(160) NOT NULL,      -- key of the document or package there
    digest nvarchar(32) NOT NULL,         -- differs whenever its content does
    dossier_code nvarchar(160),           -- dossier code (mã hồ sơ)
    dossier_id bigint,                    -- primary key of the dossier in the one-stop
    draft nvarchar(255),                  -- key of the draft it answers (syncd_draft.id or its like), where that is known
    stage nvarchar(16),                   -- delivered accepted in_progress signed issued unnumbered rejected recall_asked recall_agreed recall_refused
    code nvarchar(max),                   -- number and notation as written (số, ký hiệu): 123/QĐ-UBND
    code_number nvarchar(max),            -- what stands before the first stroke: 123
    code_notation nvarchar(max),          -- what stands after it: QĐ-UBND
    issued_on date,                       -- date of issue (ngày ban hành)
    signed_on date,                       -- date of signature (ngày ký)
    signer nvarchar(max),                 -- who signed (người ký)
    signer_position nvarchar(max),        -- and as what (chức vụ)
    agency_code nvarchar(max),            -- identification code of the issuing agency
    agency_name nvarchar(max),            -- its name (cơ quan ban hành)
    abstract nvarchar(max),               -- abstract (trích yếu)
    document_type nvarchar(max),          -- document type (loại văn bản)
    reason nvarchar(max),                 -- why it was not approved, where stage = rejected
    file_count int,                       -- rows of syncd_inbox_file that belong to it
    received_at datetime2,                -- when syncd received it; local to source.timezone, like all times here
    written_at datetime2,                 -- when syncd wrote this row
    taken_at datetime2,                   -- left to the one-stop: when it has done with the row what there is to do
    CONSTRAINT uq_syncd_inbox UNIQUE (target, document, digest)
);
GO
CREATE INDEX ix_syncd_inbox_dossier ON syncd_inbox (dossier_code);
GO

-- syncd_inbox_file: one row a file.
CREATE TABLE syncd_inbox_file (
    inbox_id bigint NOT NULL,  -- syncd_inbox.id
    place int NOT NULL,        -- 1, 2, … in the order of the document
    name nvarchar(max),        -- name as it came
    media_type nvarchar(128),  -- type that the content shows: application/pdf …
    bytes bigint NOT NULL,     -- size
    sha256 nvarchar(64),       -- SHA-256 of the content, in hex
    content varbinary(max),    -- the file as it came; do not save it anew, its bytes carry the signature
    PRIMARY KEY (inbox_id, place),
    FOREIGN KEY (inbox_id) REFERENCES syncd_inbox (id)
);
GO
