-- quarantine: nothing; what could not be read may be about anything.
select * from main.quarantine where false
