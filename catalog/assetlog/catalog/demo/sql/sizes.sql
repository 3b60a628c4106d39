-- How many rows the cleaned tables have.
select 'customers' as name, count(*) as rows from customers
union all
select 'orders', count(*) from orders;
