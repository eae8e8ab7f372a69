-- The five views syncd reads of a one-stop on PostgreSQL (source.mapping = "views").
--
-- A template: it runs as it stands and shows nothing. Put a column of your own tables in place of each CAST, your tables
-- in place of the last line, and leave names and order of the columns alone. A column you have nothing for stays NULL.
-- Times are local to source.timezone, without a zone. Money is whole đồng. True and false serve as 1 and 0.
-- Give syncd's user SELECT on these views and on nothing else.

-- syncd_dossier: one row a dossier (hồ sơ).
CREATE VIEW syncd_dossier AS
SELECT
    CAST(NULL AS bigint) AS id,                    -- primary key of the dossier: a whole number that grows
    CAST(NULL AS timestamp) AS modified,           -- time of the last change to the dossier, its steps, papers or fees; needs an index (modified, id) behind it
    CAST(NULL AS varchar(255)) AS code,            -- dossier code as printed on the receipt (mã hồ sơ); never empty, at most 80 characters
    CAST(NULL AS varchar(255)) AS origin,          -- onestop, or portal where it was filed on the national portal and handed over
    CAST(NULL AS varchar(255)) AS portal_code,     -- the national portal's own code, where origin = portal
    CAST(NULL AS varchar(255)) AS procedure_code,  -- national code of the procedure (mã TTHC)
    CAST(NULL AS text) AS procedure_name,          -- its name
    CAST(NULL AS varchar(255)) AS domain_code,     -- code of its sector (mã lĩnh vực)
    CAST(NULL AS text) AS domain_name,             -- name of its sector
    CAST(NULL AS varchar(255)) AS status,          -- registered received refused processing supplement payment withdrawn stopped processed returned, or the number 1 to 10
    CAST(NULL AS varchar(255)) AS owner_kind,      -- citizen, business, agency or organisation
    CAST(NULL AS text) AS owner_name,              -- name of the dossier's owner (chủ hồ sơ)
    CAST(NULL AS varchar(255)) AS owner_identity,  -- identity number of the owner
    CAST(NULL AS varchar(255)) AS owner_account,   -- technical id of the owner's account on the national portal (TechID), where known
    CAST(NULL AS varchar(255)) AS owner_email,     -- e-mail address, may be empty
    CAST(NULL AS varchar(255)) AS owner_phone,     -- telephone number, may be empty
    CAST(NULL AS text) AS owner_address,           -- address, may be empty
    CAST(NULL AS varchar(255)) AS agency_code,     -- identification code of the handling unit, in either notation (000.00.14.H03 or H03.14)
    CAST(NULL AS text) AS agency_name,             -- name of the handling unit
    CAST(NULL AS text) AS abstract,                -- summary of the dossier (trích yếu); empty: the procedure's name
    CAST(NULL AS text) AS note,                    -- note, may be empty
    CAST(NULL AS varchar(255)) AS channel,         -- counter, online or post; empty: counter
    CAST(NULL AS boolean) AS return_by_post,       -- 1 where the result is returned by post, else 0
    CAST(NULL AS varchar(255)) AS paid_online,     -- empty: nothing to pay; portal, gateway (the province's own) or offline
    CAST(NULL AS timestamp) AS submitted_at,       -- when it was filed; empty: received_at
    CAST(NULL AS timestamp) AS received_at,        -- when it was received; a dossier without it belongs in no view
    CAST(NULL AS timestamp) AS due_at,             -- promised date, extensions included
    CAST(NULL AS timestamp) AS processed_at,       -- when processing ended
    CAST(NULL AS timestamp) AS returned_at,        -- when the result was handed over
    CAST(NULL AS timestamp) AS refused_at          -- when it was refused; empty: taken from its steps
WHERE 1 = 0;

-- syncd_step: one row a processing step (bước xử lý); steps are added, never changed.
CREATE VIEW syncd_step AS
SELECT
    CAST(NULL AS bigint) AS id,             -- primary key of the step: a whole number that grows in time
    CAST(NULL AS bigint) AS dossier_id,     -- id of its dossier; needs an index behind it
    CAST(NULL AS timestamp) AS at,          -- when it happened
    CAST(NULL AS varchar(255)) AS officer,  -- name of the officer
    CAST(NULL AS text) AS unit,             -- department or role
    CAST(NULL AS text) AS content,          -- what was done
    CAST(NULL AS varchar(255)) AS status,   -- status of the dossier after this step, in the words or numbers of syncd_dossier.status
    CAST(NULL AS timestamp) AS due_at       -- deadline of the step, may be empty
WHERE 1 = 0;

-- syncd_paper: one row a paper handed in or issued.
CREATE VIEW syncd_paper AS
SELECT
    CAST(NULL AS bigint) AS id,               -- primary key of the paper
    CAST(NULL AS bigint) AS dossier_id,       -- id of its dossier; needs an index behind it
    CAST(NULL AS boolean) AS result,          -- 1 for a result of the dossier, 0 for a paper handed in
    CAST(NULL AS text) AS name,               -- name of the paper
    CAST(NULL AS varchar(255)) AS component,  -- national code of the dossier component it fulfils; empty where unknown, never the one-stop's own number
    CAST(NULL AS varchar(255)) AS kind,       -- for a result: national code of the kind of result
    CAST(NULL AS text) AS link,               -- address where the national portal can fetch the file; empty where files are not published
    CAST(NULL AS boolean) AS digitised,       -- 1 where the file is a digitised copy, else 0
    CAST(NULL AS boolean) AS removed          -- 1 where the paper was withdrawn, else 0
WHERE 1 = 0;

-- syncd_fee: one row a fee or charge.
CREATE VIEW syncd_fee AS
SELECT
    CAST(NULL AS bigint) AS id,               -- primary key of the fee
    CAST(NULL AS bigint) AS dossier_id,       -- id of its dossier; needs an index behind it
    CAST(NULL AS text) AS name,               -- name of the fee
    CAST(NULL AS bigint) AS amount,           -- whole đồng; rows of 0 are left out
    CAST(NULL AS varchar(255)) AS code,       -- code of the fee, may be empty
    CAST(NULL AS varchar(255)) AS kind,       -- charge (phí) or fee (lệ phí)
    CAST(NULL AS varchar(255)) AS collected   -- when it is collected, in the words of the target's mapping; may be empty
WHERE 1 = 0;

-- syncd_draft: one row a draft result that waits for a signature.
CREATE VIEW syncd_draft AS
SELECT
    CAST(NULL AS bigint) AS id,               -- primary key of the draft document
    CAST(NULL AS bigint) AS dossier_id,       -- id of its dossier; needs an index behind it
    CAST(NULL AS timestamp) AS modified,      -- time of the last change
    CAST(NULL AS text) AS title,              -- title of the document
    CAST(NULL AS text) AS file,               -- where its content is: a path under files.root, or an HTTP address
    CAST(NULL AS varchar(255)) AS signer,     -- the one-stop's account of the person who signs
    CAST(NULL AS varchar(255)) AS submitter,  -- the one-stop's account of the person who submits it
    CAST(NULL AS varchar(255)) AS kind,       -- type of document
    CAST(NULL AS timestamp) AS due_at         -- when it must be signed, may be empty
WHERE 1 = 0;
