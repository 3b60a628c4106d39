-- The numbers of the assets below $a, ten steps down, as of $p.
with recursive reached(aid, depth) as (
    select $a::integer, 0
    union
    select edges.down, reached.depth + 1
    from reached join edges on edges.up = reached.aid
    where reached.depth < 10 and edges.first_pos <= $p
)
select aid, min(depth) from reached group by aid;
