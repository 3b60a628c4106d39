-- refill_checks: the checks of sealed ranges.
insert into checks
select
    position, aid, check_result.name, check_result.passed, check_result.severity, check_result.part, check_result.run
from read_parquet($files)
where position > $after and position <= $last and check_result is not null
