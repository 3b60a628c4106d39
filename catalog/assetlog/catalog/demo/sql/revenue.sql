-- A day's orders and revenue for each country.
insert into revenue
select o.day, coalesce(c.country, 'unknown'), count(*), sum(o.amount)
from orders o left join customers c using (customer)
where o.day = $day::date
group by all;
