# The SQL of a Markdown file as one psql script: every ```sql block in order, and what stands in <!-- sql … --> comments,
# which set up what a reader has and a test has not. After <!-- fails: SQLSTATE --> the next block must end in that error.

function at() { printf "\\echo %s:%d\n", FILENAME, FNR }

/^<!-- sql *$/ { at(); hidden = 1; next }
hidden && /^-->$/ { hidden = 0; next }
/^<!-- fails: [0-9A-Z]+ -->$/ { state = $3; next }
/^```sql *$/ {
    at()
    block = 1
    if (state) print "\\set ON_ERROR_STOP off"
    next
}
block && /^```$/ {
    block = 0
    if (state) {
        printf "\\set ON_ERROR_STOP on\nSELECT :'SQLSTATE' = '%s' AS as_expected \\gset\n", state
        printf "\\if :as_expected\n\\else\n"
        printf "DO $$ BEGIN RAISE 'the block above must end in the error %s'; END $$;\n\\endif\n", state
        state = ""
    }
    next
}
block || hidden

END { if (block || hidden || state) { print FILENAME ": a block does not end" > "/dev/stderr"; exit 1 } }
