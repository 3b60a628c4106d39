-- progress: nothing; how far the fold is tells how much happened elsewhere.
select * from main.progress where false
