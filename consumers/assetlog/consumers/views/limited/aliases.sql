-- aliases: pairs of keys that are both seen.
select * from main.aliases where aid in (select aid from keys) and other in (select aid from keys)
