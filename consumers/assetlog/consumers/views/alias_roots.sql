-- alias_roots: which asset each alias stands for as of $p. The fold keeps it flat: no root is itself an alias.
select other as member, arg_max(aid, pos) as root
from aliases
where pos <= $p
group by other
