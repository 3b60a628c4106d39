-- How many days have a revenue.
select count(distinct day) from revenue;
