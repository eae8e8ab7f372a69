-- The five views syncd reads of a one-stop on Oracle (source.mapping = "views").
-- UNTESTED: written from the documentation, never run against this database by syncd's own tests.
--
-- A template: it runs as it stands and shows nothing. Put a column of your own tables in place of each CAST, your tables
-- in place of the last line, and leave names and order of the columns alone. A column you have nothing for stays NULL.
-- Times are local to source.timezone, without a zone. Money is whole đồng.
-- Give syncd's user SELECT on these views and on nothing else.

-- syncd_dossier: one row a dossier (hồ sơ).
CREATE VIEW syncd_dossier AS
SELECT
    CAST(NULL AS NUMBER(19)) AS id,                       -- primary key of the dossier: a whole number that grows
    CAST(NULL AS TIMESTAMP(6)) AS modified,               -- time of the last change to the dossier, its steps, papers or fees; needs an index (modified, id) behind it
    CAST(NULL AS VARCHAR2(255 CHAR)) AS code,             -- dossier code as printed on the receipt (mã hồ sơ); never empty, at most 80 characters
    CAST(NULL AS VARCHAR2(255 CHAR)) AS origin,           -- onestop, or portal where it was filed on the national portal and handed over
    CAST(NULL AS VARCHAR2(255 CHAR)) AS portal_code,      -- the national portal's own code, where origin = portal
    CAST(NULL AS VARCHAR2(255 CHAR)) AS procedure_code,   -- national code of the procedure (mã TTHC)
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS procedure_name,  -- its name
    CAST(NULL AS VARCHAR2(255 CHAR)) AS domain_code,      -- code of its sector (mã lĩnh vực)
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS domain_name,     -- name of its sector
    CAST(NULL AS VARCHAR2(255 CHAR)) AS status,           -- registered received refused processing supplement payment withdrawn stopped processed returned, or the number 1 to 10
    CAST(NULL AS VARCHAR2(255 CHAR)) AS owner_kind,       -- citizen, business, agency or organisation
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS owner_name,      -- name of the dossier's owner (chủ hồ sơ)
    CAST(NULL AS VARCHAR2(255 CHAR)) AS owner_identity,   -- identity number of the owner
    CAST(NULL AS VARCHAR2(255 CHAR)) AS owner_account,    -- technical id of the owner's account on the national portal (TechID), where known
    CAST(NULL AS VARCHAR2(255 CHAR)) AS owner_email,      -- e-mail address, may be empty
    CAST(NULL AS VARCHAR2(255 CHAR)) AS owner_phone,      -- telephone number, may be empty
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS owner_address,   -- address, may be empty
    CAST(NULL AS VARCHAR2(255 CHAR)) AS agency_code,      -- identification code of the handling unit, in either notation (000.00.14.H03 or H03.14)
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS agency_name,     -- name of the handling unit
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS abstract,        -- summary of the dossier (trích yếu); empty: the procedure's name
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS note,            -- note, may be empty
    CAST(NULL AS VARCHAR2(255 CHAR)) AS channel,          -- counter, online or post; empty: counter
    CAST(NULL AS NUMBER(1)) AS return_by_post,            -- 1 where the result is returned by post, else 0
    CAST(NULL AS VARCHAR2(255 CHAR)) AS paid_online,      -- empty: nothing to pay; portal, gateway (the province's own) or offline
    CAST(NULL AS TIMESTAMP(6)) AS submitted_at,           -- when it was filed; empty: received_at
    CAST(NULL AS TIMESTAMP(6)) AS received_at,            -- when it was received; a dossier without it belongs in no view
    CAST(NULL AS TIMESTAMP(6)) AS due_at,                 -- promised date, extensions included
    CAST(NULL AS TIMESTAMP(6)) AS processed_at,           -- when processing ended
    CAST(NULL AS TIMESTAMP(6)) AS returned_at,            -- when the result was handed over
    CAST(NULL AS TIMESTAMP(6)) AS refused_at              -- when it was refused; empty: taken from its steps
FROM DUAL
WHERE 1 = 0;

-- syncd_step: one row a processing step (bước xử lý); steps are added, never changed.
CREATE VIEW syncd_step AS
SELECT
    CAST(NULL AS NUMBER(19)) AS id,                -- primary key of the step: a whole number that grows in time
    CAST(NULL AS NUMBER(19)) AS dossier_id,        -- id of its dossier; needs an index behind it
    CAST(NULL AS TIMESTAMP(6)) AS at,              -- when it happened
    CAST(NULL AS VARCHAR2(255 CHAR)) AS officer,   -- name of the officer
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS unit,     -- department or role
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS content,  -- what was done
    CAST(NULL AS VARCHAR2(255 CHAR)) AS status,    -- status of the dossier after this step, in the words or numbers of syncd_dossier.status
    CAST(NULL AS TIMESTAMP(6)) AS due_at           -- deadline of the step, may be empty
FROM DUAL
WHERE 1 = 0;

-- syncd_paper: one row a paper handed in or issued.
CREATE VIEW syncd_paper AS
SELECT
    CAST(NULL AS NUMBER(19)) AS id,                 -- primary key of the paper
    CAST(NULL AS NUMBER(19)) AS dossier_id,         -- id of its dossier; needs an index behind it
    CAST(NULL AS NUMBER(1)) AS result,              -- 1 for a result of the dossier, 0 for a paper handed in
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS name,      -- name of the paper
    CAST(NULL AS VARCHAR2(255 CHAR)) AS component,  -- national code of the dossier component it fulfils; empty where unknown, never the one-stop's own number
    CAST(NULL AS VARCHAR2(255 CHAR)) AS kind,       -- for a result: national code of the kind of result
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS link,      -- address where the national portal can fetch the file; empty where files are not published
    CAST(NULL AS NUMBER(1)) AS digitised,           -- 1 where the file is a digitised copy, else 0
    CAST(NULL AS NUMBER(1)) AS removed              -- 1 where the paper was withdrawn, else 0
FROM DUAL
WHERE 1 = 0;

-- syncd_fee: one row a fee or charge.
CREATE VIEW syncd_fee AS
SELECT
    CAST(NULL AS NUMBER(19)) AS id,                 -- primary key of the fee
    CAST(NULL AS NUMBER(19)) AS dossier_id,         -- id of its dossier; needs an index behind it
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS name,      -- name of the fee
    CAST(NULL AS NUMBER(19)) AS amount,             -- whole đồng; rows of 0 are left out
    CAST(NULL AS VARCHAR2(255 CHAR)) AS code,       -- code of the fee, may be empty
    CAST(NULL AS VARCHAR2(255 CHAR)) AS kind,       -- charge (phí) or fee (lệ phí)
    CAST(NULL AS VARCHAR2(255 CHAR)) AS collected   -- when it is collected, in the words of the target's mapping; may be empty
FROM DUAL
WHERE 1 = 0;

-- syncd_draft: one row a draft result that waits for a signature.
CREATE VIEW syncd_draft AS
SELECT
    CAST(NULL AS NUMBER(19)) AS id,                 -- primary key of the draft document
    CAST(NULL AS NUMBER(19)) AS dossier_id,         -- id of its dossier; needs an index behind it
    CAST(NULL AS TIMESTAMP(6)) AS modified,         -- time of the last change
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS title,     -- title of the document
    CAST(NULL AS VARCHAR2(1000 CHAR)) AS file,      -- where its content is: a path under files.root, or an HTTP address
    CAST(NULL AS VARCHAR2(255 CHAR)) AS signer,     -- the one-stop's account of the person who signs
    CAST(NULL AS VARCHAR2(255 CHAR)) AS submitter,  -- the one-stop's account of the person who submits it
    CAST(NULL AS VARCHAR2(255 CHAR)) AS kind,       -- type of document
    CAST(NULL AS TIMESTAMP(6)) AS due_at            -- when it must be signed, may be empty
FROM DUAL
WHERE 1 = 0;
