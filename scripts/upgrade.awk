# The parts of an upgrade as one script. "\i FILE" stands for a file, "\i FILE NAME…" for what the file says of these views,
# functions and procedures: how they are created, but in place of what is there, and their comments.

$1 == "\\i" {
    if (NF == 2) take($2, "")
    for (i = 3; i <= NF; i++) take($2, $i)
    next
}
{ print }

function take(file, name,   line, got, taken, found, marks) {
    while ((got = (getline line <file)) > 0) {
        if (name != "" && !taken && (taken = begins(line, name)) == "create") {
            sub(/^CREATE/, "CREATE OR REPLACE", line)
            found = 1
            marks = 0
        }
        if (name == "" || taken) print line
        marks += gsub(/\$\$/, "&", line)
        if (taken && line == "BEGIN ATOMIC") taken = "atomic"
        if (taken == "atomic" ? line == "END;" : line ~ /;$/ && marks % 2 == 0) taken = ""
    }
    if (got < 0 || (name != "" && !found)) {
        print FILENAME ": " file (got < 0 ? " cannot be read" : " has no " name) >"/dev/stderr"
        exit failed = 1
    }
    close(file)
}

# Which statement on that object begins with the line.
function begins(line, name,   words, rest) {
    if (!match(line, /^(CREATE|COMMENT ON) (VIEW|FUNCTION|PROCEDURE|COLUMN) /)) return ""
    words = substr(line, 1, RLENGTH)
    rest = substr(line, RLENGTH + 1)
    if (index(rest, name) != 1 || substr(rest, length(name) + 1, 1) !~ /^[ (.]?$/) return ""
    return words ~ /^CREATE/ ? "create" : "comment"
}
