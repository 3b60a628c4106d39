-- Customers without a country.
select count(*) from customers where country is null;
