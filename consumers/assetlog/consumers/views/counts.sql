-- counts: how much the catalog holds as of $p.
-- with shown_keys
select
    (select count(*) from log where pos <= $p),
    (select count(*) from shown_keys),
    (select count(*) from artifacts where pos <= $p and act = 'created'),
    (select count(distinct run) from runs where pos <= $p),
    (select count(*) from quarantine where pos <= $p),
    (select count(*) from skipped where pos <= $p)
