-- All customers, with types. A country that nobody told stays unknown (null).
insert into customers
select customer::integer, name, nullif(country, '')
from read_csv($file, header = true, all_varchar = true);
