-- The warehouse: cleaned tables, and the mart made from them.
create table if not exists customers(customer integer not null, name varchar not null, country varchar);
create table if not exists orders(id varchar not null, day date not null, customer integer not null, amount decimal(12, 2) not null);
create table if not exists revenue(day date not null, country varchar not null, orders integer not null, revenue decimal(14, 2) not null);
