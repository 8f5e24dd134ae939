# What tests of pages in headless Chromium share; sourced behind a `folder` for scratch files. Skips without a browser.
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    { echo "SKIPPED: no chromium on PATH" >&2; exit 77; }
result=0
fail() { echo "$*" >&2; result=1; }

browse() { # browse WIDTHxHEIGHT URL OPTION...
    local size=${1/x/,} url=$2
    shift 2
    timeout 40 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --disable-dev-shm-usage \
        --user-data-dir="$folder/profile" --window-size="$size" --virtual-time-budget=5000 "$@" "$url" 2> "$folder/log" ||
        { cat "$folder/log" >&2; fail "$browser failed on $url"; }
}

# What a script says about a page once it stands: it goes behind the page's own and leaves its words in data-said.
ask_page() { # ask_page PAGE WIDTHxHEIGHT HASH SCRIPT OPTION...
    local asked
    asked=$(dirname "$1")/asked.html
    { cat "$1"; echo "<script>window.addEventListener('load', () => setTimeout(() => {
        try { document.body.dataset.said = String((() => { $4 })()); } catch (e) { document.body.dataset.said = String(e); }
    }, 500));</script>"; } > "$asked"
    browse "$2" "file://$asked$3" --dump-dom "${@:5}" | grep -o 'data-said="[^"]*"' | head -1 | sed 's/.*="//; s/"$//'
}

expect() { # expect WHAT VALUE EXPECTED
    [ "$2" = "$3" ] || fail "$1: '$2', not '$3'"
}
