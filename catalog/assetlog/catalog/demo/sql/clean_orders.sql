-- A day's orders, with types, each once. A row that breaks its type fails the day: nothing half clean.
insert into orders
select distinct "order", $day::date, customer::integer, amount::decimal(12, 2)
from read_csv($file, header = true, all_varchar = true);
