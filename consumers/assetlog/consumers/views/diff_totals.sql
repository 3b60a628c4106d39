-- diff_totals: events, artifact versions and runs with an event after $p0 and up to $p1.
select
    (select count(*) from log where pos > $p0 and pos <= $p1),
    (select count(*) from artifacts where pos > $p0 and pos <= $p1 and act = 'created'),
    (select count(distinct run) from log where pos > $p0 and pos <= $p1)
