-- refill_consumers: what happened to consumers in sealed ranges.
insert into consumers
select position, consumer.act, consumer.name, consumer.data
from read_parquet($files)
where position > $after and position <= $last and consumer is not null
