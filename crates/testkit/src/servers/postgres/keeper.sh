# Keeps one PostgreSQL server. Orders come as lines on standard input, and each is answered with a
# line on standard output. The end of the input is the end of the tests, however they ended (a
# panic, kill -9): the server is stopped then, and its folder deleted.
#
# $1: the folder. The rest: the server's command.
dir=$1
shift

server() {
    head -n 1 "$dir/data/postmaster.pid" 2>/dev/null
}

signal() {
    pid=$(server)
    if [ -n "$pid" ]; then
        kill -s "$1" "$pid" 2>/dev/null
        wait
    fi
}

while read -r order; do
    case $order in
        start) "$@" </dev/null >>"$dir/log" 2>&1 & ;;
        stop) signal INT ;;
        kill) signal KILL ;;
        freeze) kill -s STOP "$(server)" ;;
        thaw) kill -s CONT "$(server)" ;;
    esac
    echo "$order"
done
signal QUIT
rm -rf "$dir"
