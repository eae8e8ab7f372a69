-- The indicators of the portal, computed by the one-stop's own database (SQLite) from its own tables, without a line of syncd:
-- tests/source/test_indicators.py holds syncd's figures against these. "now" is local, "there" the last digits of the codes
-- of dossiers that count as being on the portal. Times are whole microseconds.
WITH
coded AS (  -- what the portal calls a status: the pair, else the status alone, else the default of the contract
    SELECT pair.status, pair.sub, CAST(COALESCE(
        (SELECT statusCodeDVCQG FROM opencps_dossierstatusmapping WHERE statusCode = pair.status AND COALESCE(subStatusCode, '') = pair.sub),
        (SELECT statusCodeDVCQG FROM opencps_dossierstatusmapping WHERE statusCode = pair.status AND COALESCE(subStatusCode, '') = ''),
        CASE pair.status WHEN 'posting' THEN 9 ELSE 4 END) AS INTEGER) AS code
    FROM (SELECT dossierStatus AS status, COALESCE(dossierSubStatus, '') AS sub FROM opencps_dossier
          UNION SELECT dossierStatus, COALESCE(dossierSubStatus, '') FROM opencps_processstep) AS pair
),
dossier AS (
    SELECT one.dossierId AS id, one.dossierNo AS number, one.govAgencyCode AS agency, strftime('%Y-%m', one.receiveDate) AS month, coded.code,
        strftime('%s', one.releaseDate) * 1000000 + substr(one.releaseDate, 21) AS released,
        strftime('%s', one.finishDate) * 1000000 + substr(one.finishDate, 21) AS returned,
        strftime('%s', COALESCE(one.extendDate, one.dueDate)) * 1000000 + substr(COALESCE(one.extendDate, one.dueDate), 21) AS due,
        one.online_ AS online
    FROM opencps_dossier AS one JOIN coded ON coded.status = one.dossierStatus AND coded.sub = COALESCE(one.dossierSubStatus, '')
    WHERE one.dossierNo <> '' AND one.receiveDate <= :now AND one.originality > 0 AND COALESCE(one.originDossierId, 0) = 0
),
step AS (
    SELECT act.dossierId AS dossier, act.dossierActionId AS id, coded.code, strftime('%s', act.createDate) * 1000000 + substr(act.createDate, 21) AS at,
        LAG(coded.code) OVER (PARTITION BY act.dossierId ORDER BY act.dossierActionId) AS before
    FROM opencps_dossieraction AS act
    JOIN opencps_processstep AS place ON place.serviceProcessId = act.serviceProcessId AND place.stepCode = act.stepCode
    JOIN coded ON coded.status = place.dossierStatus AND coded.sub = COALESCE(place.dossierSubStatus, '')
),
request AS (
    SELECT dossier, at, (SELECT next.at FROM step AS next WHERE next.dossier = step.dossier AND next.id > step.id AND next.code <> 5 ORDER BY next.id LIMIT 1) AS until
    FROM step WHERE code = 5 AND COALESCE(before, 0) <> 5
),
waited AS (SELECT dossier, COUNT(*) AS times, MIN(at) AS first, SUM(MAX(COALESCE(until, at) - at, 0)) AS span FROM request GROUP BY dossier),
closing AS (  -- the steps after the last that left the dossier open
    SELECT * FROM step WHERE id > COALESCE((SELECT MAX(id) FROM step AS open WHERE open.dossier = step.dossier AND open.code IN (1, 2, 4, 5, 6)), 0)
),
told AS (
    SELECT dossier, COALESCE(MIN(CASE WHEN code = 9 THEN at END), MIN(CASE WHEN code = 10 THEN at END), MIN(CASE WHEN code IN (3, 7, 8) THEN at END)) AS at
    FROM closing GROUP BY dossier
),
clock AS (  -- where the clock of a dossier stands, and by when it should have
    SELECT dossier.id,
        CASE
            WHEN dossier.code = 5 AND waited.times = 1 THEN waited.first
            WHEN dossier.code NOT IN (1, 2, 4, 5, 6) THEN COALESCE(told.at, dossier.released, dossier.returned)
        END AS stopped,
        dossier.code = 5 AND COALESCE(waited.times, 0) > 1 AS again,
        dossier.due + CASE WHEN dossier.code = 5 AND waited.times > 0 THEN 0 ELSE COALESCE(waited.span, 0) END AS due
    FROM dossier LEFT JOIN waited ON waited.dossier = dossier.id LEFT JOIN told ON told.dossier = dossier.id
),
paper AS (
    SELECT dossierId AS dossier,
        MAX(dossierPartType IN (1, 6) AND uuid_ <> '') AS handed_in,
        MAX(dossierPartType IN (2, 7) AND uuid_ <> '') AS issued,
        MAX(dossierPartType IN (2, 7) AND uuid_ <> '' AND COALESCE(deliverableCode, '') <> '') AS known
    FROM opencps_dossierfile WHERE NOT removed GROUP BY dossierId
),
fee AS (
    SELECT dossierId AS dossier, MIN(paymentStatus IN (2, 3) AND paymentMethod = 'Keypay') AS online
    FROM opencps_paymentfile WHERE feeAmount > 0 OR serviceAmount > 0 OR paymentAmount > 0 GROUP BY dossierId
)
SELECT dossier.agency, dossier.month, COUNT(*) AS received,
    SUM(instr(:there, substr(dossier.number, -1)) > 0) AS synced,
    COUNT(*) AS synced_of,
    SUM(dossier.due IS NOT NULL AND NOT again AND COALESCE(clock.stopped <= clock.due, 0)) AS on_time,
    SUM(dossier.due IS NOT NULL AND (again OR clock.stopped IS NOT NULL OR :instant > clock.due)) AS on_time_of,
    SUM(dossier.online AND (dossier.code NOT IN (9, 10) OR COALESCE(paper.known, 0))) AS online,
    COUNT(*) AS online_of,
    SUM(COALESCE(fee.online, 0)) AS paid_online,
    SUM(fee.dossier IS NOT NULL) AS paid_online_of,
    SUM(dossier.code IN (9, 10) AND COALESCE(paper.handed_in AND paper.issued, 0)) AS digitised,
    SUM(dossier.code IN (9, 10)) AS digitised_of,
    SUM(dossier.code IN (9, 10) AND COALESCE(paper.issued, 0)) AS result_file,
    SUM(dossier.code IN (9, 10)) AS result_file_of
FROM dossier
JOIN clock ON clock.id = dossier.id
LEFT JOIN paper ON paper.dossier = dossier.id
LEFT JOIN fee ON fee.dossier = dossier.id
GROUP BY dossier.agency, dossier.month
ORDER BY dossier.agency, dossier.month
