-- The two tables into which syncd writes what document systems issued, on MariaDB and MySQL (settings.inbox of the mapping).
--
-- A row is written once and never changed by syncd. Read what is new (taken_at IS NULL) in the order of id, do with it what the
-- one-stop does with a result, and set taken_at. Give the account of source.write_url SELECT and INSERT on both, nothing else.
-- A file travels whole: set max_allowed_packet of the server to 64M at least.

-- syncd_inbox: one row a document, or word of one.
CREATE TABLE syncd_inbox (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,  -- given by the database; the files name it
    target VARCHAR(64) NOT NULL,                    -- which document system it came from, as syncd's configuration calls it
    document VARCHAR(160) NOT NULL,                 -- key of the document or package there
    digest VARCHAR(32) NOT NULL,                    -- differs whenever its content does
    dossier_code VARCHAR(160),                      -- dossier code (mã hồ sơ)
    dossier_id BIGINT,                              -- primary key of the dossier in the one-stop
    draft VARCHAR(255),                             -- key of the draft it answers (syncd_draft.id or its like), where that is known
    stage VARCHAR(16),                              -- delivered accepted in_progress signed issued unnumbered rejected recall_asked recall_agreed recall_refused
    code TEXT,                                      -- number and notation as written (số, ký hiệu): 123/QĐ-UBND
    code_number TEXT,                               -- what stands before the first stroke: 123
    code_notation TEXT,                             -- what stands after it: QĐ-UBND
    issued_on DATE,                                 -- date of issue (ngày ban hành)
    signed_on DATE,                                 -- date of signature (ngày ký)
    signer TEXT,                                    -- who signed (người ký)
    signer_position TEXT,                           -- and as what (chức vụ)
    agency_code TEXT,                               -- identification code of the issuing agency
    agency_name TEXT,                               -- its name (cơ quan ban hành)
    abstract TEXT,                                  -- abstract (trích yếu)
    document_type TEXT,                             -- document type (loại văn bản)
    reason TEXT,                                    -- why it was not approved, where stage = rejected
    file_count INT,                                 -- rows of syncd_inbox_file that belong to it
    received_at DATETIME(6),                        -- when syncd received it; local to source.timezone, like all times here
    written_at DATETIME(6),                         -- when syncd wrote this row
    taken_at DATETIME(6),                           -- left to the one-stop: when it has done with the row what there is to do
    CONSTRAINT uq_syncd_inbox UNIQUE (target, document, digest)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX ix_syncd_inbox_dossier ON syncd_inbox (dossier_code);

-- syncd_inbox_file: one row a file.
CREATE TABLE syncd_inbox_file (
    inbox_id BIGINT NOT NULL,  -- syncd_inbox.id
    place INT NOT NULL,        -- 1, 2, … in the order of the document
    name TEXT,                 -- name as it came
    media_type VARCHAR(128),   -- type that the content shows: application/pdf …
    bytes BIGINT NOT NULL,     -- size
    sha256 VARCHAR(64),        -- SHA-256 of the content, in hex
    content LONGBLOB,          -- the file as it came; do not save it anew, its bytes carry the signature
    PRIMARY KEY (inbox_id, place),
    FOREIGN KEY (inbox_id) REFERENCES syncd_inbox (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
