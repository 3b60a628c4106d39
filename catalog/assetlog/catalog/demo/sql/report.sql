-- The revenue of all days for each country, best first.
select country, sum(orders)::integer as orders, sum(revenue) as revenue
from revenue
group by country
order by revenue desc, country;
