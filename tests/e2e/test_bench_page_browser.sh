#!/usr/bin/env bash
# The page of clvgg report in headless Chromium: nothing is wider than the window at phone and desktop width, with two results, twelve
# and one hundred, in light and dark; text has contrast; labels don't cover each other; choices hide what they say; keys and names of
# controls. Usage: test_bench_page_browser.sh SOURCE BUILD
set -u
build=$2
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
. "$1/tests/support/browser.sh"

result() { # result NUMBER: one of a device, or of another program, in its format
    local n=$1 layers='' batch results=() i
    for batch in 1 16; do
        layers=''
        for i in 1_1 1_2 2_1 2_2 3_1 3_2 4_1 5_1; do
            layers+="{\"name\": \"conv$i\", \"variant\": \"winograd_f4_fused\", \"choice\": \"tile ${i%_*} of 6, unrolled\", \"tuned\": true,
                \"ms\": $((n + 2)).5${i#*_}, \"executed_gflops\": $((900 - 40 * ${i%_*} - n)), \"intensity\": $((30 * ${i%_*} + ${i#*_}))},"
        done
        results+=("{\"batch\": $batch, \"median_ms\": $((batch * (20 + n)))., \"min_ms\": $((batch * (19 + n))),
            \"interval_ms\": [$((batch * (19 + n))), $((batch * (22 + n)))], \"error_l2\": 3e-7, \"layers\": [${layers%,}]}")
    done
    [ "$n" -ne 3 ] || results[1]='{"batch": 16, "wrong": true, "error_l2": 0.5}'
    results=("${results[@]//., /.0, }")
    cat << JSON
{"schema": "clvgg-bench/1", "program": {"name": "clvgg", "version": "0.$n"}, "model": "vgg16",
 "device": {"name": "pthread-a-long-name-Some(R) Processor(R) <b>$((n % 5))</b>", "platform": "Portable Computing Language"},
 "peak": {"fma_gflops": 950, "read_gbps": 51}, "roof": {"matrix_bf16_gflops": 2900, "cache_read_gbps": 300},
 "results": [${results[0]}, ${results[1]}]}
JSON
}
peer() { # peer NUMBER
    echo "{\"schema\": \"clvgg-bench/1\", \"program\": {\"name\": \"Runtime $1\", \"version\": \"2.$1\"}, \"model\": \"vgg16\",
        \"device\": {\"name\": \"Some Processor\", \"platform\": \"CPU\"}, \"peak\": null, \"results\": [{\"batch\": 1, \"median_ms\": 84.25, \"min_ms\": 80}]}"
}
for count in 2 12 100; do
    mkdir "$folder/$count" || exit 1
    for ((n = 0; n < count; n++)); do
        if ((n % 6 == 5)); then peer "$n"; else result "$n"; fi > "$(printf '%s/%s/%03d.json' "$folder" "$count" "$n")"
    done
    "$build/clvgg" report "$folder/$count" --out "$folder/$count.html" || fail "no page of $count results"
done
ask() { # ask COUNT WIDTHxHEIGHT SCRIPT OPTION...
    ask_page "$folder/$1.html" "$2" "" "${@:3}"
}

# Lightness and contrast as WCAG has them, of text and of bars and marks, on what is behind them.
contrast='const light = c => { const l = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * l[0] + .7152 * l[1] + .0722 * l[2]; };
    const rgb = c => (c.match(/[\d.]+/g) || []).map(Number);
    const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3) return c; } return [255, 255, 255]; };
    const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
    const words = [...document.querySelectorAll("h1,h2,h3,h4,p,a,td,th,span,summary,button,code,b,label")].filter(e =>
        [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.getClientRects().length);
    const low = words.filter(e => ratio(rgb(getComputedStyle(e).color), behind(e)) < 4.5).length;
    const ink = [...document.querySelectorAll(".plot text, .mark, .point")].filter(e =>
        ratio(rgb(getComputedStyle(e).fill), behind(e.closest("div, li, td, th"))) < (e.tagName === "text" ? 4.5 : 3)).length;
    return words.length > 100 && low + " " + ink'
# Labels of charts that cover each other.
covered='let covered = 0, labels = 0;
    for (const plot of document.querySelectorAll(".plot")) {
        const boxes = [...plot.querySelectorAll("text")].filter(t => getComputedStyle(t).display !== "none" && t.getClientRects().length)
            .map(t => t.getBoundingClientRect());
        labels += boxes.length;
        boxes.forEach((a, i) => boxes.slice(0, i).forEach(b => {
            if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3) covered++;
        }));
    }
    return (labels > 10) + " " + covered'
for count in 2 12 100; do
    for size in 390x844 1280x900; do
        expect "$count results at $size, too wide by" \
            "$(ask $count $size 'document.querySelectorAll("details").forEach(d => d.open = true);
                return document.documentElement.scrollWidth - window.innerWidth')" 0
        expect "$count results at $size, labels" "$(ask $count $size "$covered")" "true 0"
    done
    for scheme in 0 1; do # dark, light
        expect "$count results, contrast in scheme $scheme" \
            "$(ask $count 1280x900 "$contrast" --blink-settings=preferredColorScheme=$scheme)" "0 0"
    done
done
for size in 390x844 1280x900; do
    browse $size "file://$folder/12.html" --screenshot="$folder/shot.png" > "$folder/out"
    [ "$(stat -c %s "$folder/shot.png" 2> /dev/null || echo 0)" -gt 20000 ] || fail "12 results at $size: nothing to see"
done

expect "what a page without requests loads" "$(ask 12 1280x900 'return performance.getEntriesByType("resource").length')" 0
expect "names" "$(ask 12 1280x900 'return document.querySelectorAll("h4 b, li b:not(.key)").length + " " + document.scripts.length + " " +
    document.querySelector("#roofline h4").textContent.endsWith("<b>0</b>").valueOf()')" "0 2 true"
expect "bars, fastest first, wrong last" "$(ask 12 1280x900 'return [...document.querySelectorAll("#times figure")].map(f =>
    [...f.querySelectorAll(".bars .key")].map(k => k.textContent).join("")).join(" ")')" "ABCDEGHIJKFL ABCEGHIJKD"
expect "a wrong result" "$(ask 12 1280x900 'return [...document.querySelectorAll("#times .bars .bad")].map(b => b.textContent).join() + " " +
    document.querySelectorAll("#times figure:last-child .bars li:last-child .fill").length')" "wrong, 0.5 off 0"
expect "a bar's length" "$(ask 2 1280x900 'const [a, b] = [...document.querySelectorAll("#times figure:first-child .fill")].map(f => f.getBoundingClientRect().width);
    return Math.round(1000 * a / b) === Math.round(20000 / 21)')" true
expect "every figure as a table" "$(ask 12 1280x900 'return [...document.querySelectorAll("figure")].every(f => f.querySelector("table tbody tr"))')" true
expect "tables beside their figures" "$(ask 2 1280x900 'const layer = document.querySelector("#layers figure");
    return [...layer.querySelectorAll(".bars .value")].map(v => v.textContent).join() === [...layer.querySelectorAll("td")].map(v => v.textContent).join()')" true

# Choices: a batch for all sections, results, a theme. Radio buttons and boxes are the browser's own, with labels.
expect "a batch" "$(ask 12 1280x900 'const shown = () => [...document.querySelectorAll(".batch")].filter(b => !b.hidden).map(b => b.dataset.batch).join();
    const before = shown(); document.querySelector("#layers input[value=\"16\"]").click();
    return before + " " + shown() + " " + [...document.querySelectorAll(".head input:checked")].map(i => i.value).join()')" "1,1,1 16,16,16 16,16,16"
expect "results that are hidden" "$(ask 12 1280x900 'const seen = r => [...document.querySelectorAll("[data-run=\"" + r + "\"]")].filter(e => e.getClientRects().length).length;
    const boxes = [...document.querySelectorAll("#legend input")]; const before = seen(0) > 20; boxes[0].click(); const after = seen(0), other = seen(1) > 20;
    [...document.querySelectorAll("#legend button")].find(b => b.textContent === "None").click(); const none = seen(1);
    [...document.querySelectorAll("#legend button")].find(b => b.textContent === "All").click();
    return [boxes.length, before, after, other, none, seen(0) > 20].join(" ")')" "12 true 0 true 0 true"
expect "a theme" "$(ask 2 1280x900 'const colour = () => getComputedStyle(document.body).backgroundColor;
    document.querySelector("input[value=dark]").click(); const dark = colour(); document.querySelector("input[value=light]").click();
    return dark + " " + colour()')" "rgb(20, 20, 22) rgb(251, 251, 250)"
expect "controls without a name" "$(ask 12 1280x900 'return [...document.querySelectorAll("input, button, [tabindex=\"0\"], [role=img], [role=radiogroup], nav, section")]
    .filter(e => !(e.labels && e.labels.length && e.labels[0].textContent.trim()) && !e.getAttribute("aria-label") &&
        !e.getAttribute("aria-labelledby") && !e.textContent.trim()).length')" 0
expect "the focus is seen" "$(ask 2 1280x900 'const box = document.querySelector("#legend input"); box.focus({ focusVisible: true });
    return getComputedStyle(box).outlineStyle + " " + getComputedStyle(box).outlineWidth')" "solid 3px"
expect "headings in order" "$(ask 12 1280x900 'let last = 1; return [...document.querySelectorAll("h1,h2,h3,h4")].filter(h => {
    const level = Number(h.tagName[1]), jump = level > last + 1; last = level; return jump; }).length')" 0

# Without its script the page is whole.
sed '/^<script>$/,/^<\/script>$/d' "$folder/2.html" > "$folder/still.html"
expect "without a script" "$(ask_page "$folder/still.html" 1280x900 "" 'return document.querySelectorAll(".batch").length + " " +
    document.querySelectorAll("input").length + " " + [...document.querySelectorAll(".batch")].every(b => b.getClientRects().length)')" "6 0 true"
exit $result
