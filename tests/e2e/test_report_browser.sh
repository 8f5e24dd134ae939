#!/usr/bin/env bash
# The report of clvgg visualize in headless Chromium: pictures are there at phone and desktop width, in light and dark, nothing is
# wider than the window, awkward names stay names, and the keyboard works. Usage: test_report_browser.sh SOURCE BUILD
set -u
build=$2
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
. "$1/tests/support/browser.sh"

ask() { # ask WIDTHxHEIGHT HASH SCRIPT OPTION...
    ask_page "$folder/page/index.html" "$@"
}

mkdir "$folder/page" "$folder/single" || exit 1
"$build/tests/make_report" "$folder/page" || exit 1
"$build/tests/make_report" "$folder/single" single || exit 1

for size in 390x844 1280x900; do
    scheme=0 # dark and light in turns
    for hash in "#layer-0" "#layer-2-1" "#page-0" "#page-2"; do
        shot=$folder/shot$hash.png
        browse $size "file://$folder/page/index.html$hash" --screenshot="$shot" --blink-settings=preferredColorScheme=$scheme > "$folder/out"
        # A page with pictures doesn't compress to a few bytes.
        [ "$(stat -c %s "$shot" 2> /dev/null || echo 0)" -gt 20000 ] || fail "$hash at $size: nothing to see"
        expect "$hash at $size, too wide by" "$(ask $size "$hash" 'return document.documentElement.scrollWidth - window.innerWidth')" 0
        scheme=$((1 - scheme))
        rm -f "$shot"
    done
    expect "cards at $size" "$(ask $size '#layer-0' 'return document.querySelectorAll(".card").length')" 7
    expect "broken pictures at $size" "$(ask $size '#layer-0' '
        return [...document.images].filter(i => i.complete && i.naturalWidth === 0 && i.getAttribute("src")).length')" 0
done

expect "lazy pictures" "$(ask 1280x900 '#layer-1' 'return [...document.images].every(i => i.loading === "lazy")')" true
expect "names" "$(ask 1280x900 '#layer-1' '
    return document.querySelector("#heading").textContent === "<b>layer</b>" && document.title.startsWith("<b>layer</b>") &&
        !document.querySelector("main b b, nav b, dialog img[onerror]") && document.scripts.length === 3')" true
expect "a map that never fires" "$(ask 1280x900 '#layer-1' 'return document.querySelectorAll(".card:disabled .never").length')" 1
# Each layer begins with its first way; the other is a click away, on the page and in the viewer, and other layers keep theirs.
ways='const ways = () => [...document.querySelectorAll("main [name=way]")], checked = () => ways().findIndex(w => w.checked);
      const kind = (of) => of.querySelector("img").getAttribute("src").slice(-5, -4);'
expect "ways of a layer" "$(ask 1280x900 '#layer-2' "$ways
    const words = ways().map(w => w.parentNode.textContent), seen = [checked(), kind(main)];
    ways()[1].click(); seen.push(checked(), kind(main)); document.querySelector('.card').click();
    seen.push(kind(viewer)); viewer.querySelector('input').click(); seen.push(kind(viewer), kind(main));
    return words.join() + ' ' + seen.join(' ')")" "Guided,Deconvolution 0 a 1 c c a a"
expect "a layer with one way" "$(ask 1280x900 '#layer-1' "$ways
    return ways().length + ' ' + /by guided backpropagation/.test(main.textContent)")" "0 true"
expect "great values" "$(ask 1280x900 '#layer-0' 'return document.querySelector(".card .faint").textContent')" "14,730"
# Words of figures are the page's own, as large as its text, on surfaces of its theme.
expect "words of a figure" "$(ask 390x844 '#page-2' '
    const sizes = [...main.querySelectorAll(".title, .bar-words span, .legend span")].filter(e => e.textContent).map(e => parseFloat(getComputedStyle(e).fontSize));
    return Math.min(...sizes) >= 12 && main.textContent.includes("14,600") && main.querySelectorAll(".legend > span").length + " " +
        [...main.querySelectorAll(".part")].every(p => p.getBoundingClientRect().width > .8 * innerWidth)')" "2 true"
expect "a figure in the dark" "$(ask 1280x900 '#page-2' 'return getComputedStyle(main.querySelector(".figure")).backgroundColor' \
    --blink-settings=preferredColorScheme=0)" "rgb(30, 30, 33)"
expect "cells of a sheet" "$(ask 1280x900 '#page-0' '
    const places = [...main.querySelectorAll(".part")].map(p => { const a = p.getBoundingClientRect(), b = p.firstChild.getBoundingClientRect();
        return Math.round((a.left - b.left) / a.width) + ":" + Math.round((a.top - b.top) / a.height); });
    return places.length + " " + places[0] + " " + places[5]')" "12 0:0 1:1"
expect "names of links" "$(ask 1280x900 '#page-0' '
    const cut = [...nav.querySelectorAll("a")].filter(a => a.scrollWidth > a.clientWidth || a.scrollHeight > a.clientHeight);
    return cut.length + " " + [...nav.querySelectorAll("h2")].map(h => h.textContent)')" "0 Layers,Figures,Activations"
expect "no frame where the skip link leads" "$(ask 1280x900 '' '
    location.hash = "#main"; main.focus({ focusVisible: true }); return document.activeElement.id + " " + getComputedStyle(main).outlineStyle')" "main none"
expect "silent maps" "$(ask 1280x900 '#layer-2' 'return document.querySelector(".silent").textContent')" \
    "2 maps never fire on these photographs: 3, 17"

# Keys: right and down among the cards, over the one that never fires; a click (which Enter is) opens, arrows go on, closing returns.
key='const key = (k) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: k, bubbles: true, cancelable: true}));
     const cards = [...document.querySelectorAll(".card")], at = () => cards.indexOf(document.activeElement);
     const viewer = document.querySelector("dialog");'
expect "arrows among cards" "$(ask 1280x900 '#layer-1' "$key
    cards[0].focus(); const seen = []; for (const k of ['ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowLeft', 'End', 'Home']) { key(k); seen.push(at()); }
    return seen.join(' ')")" "1 4 6 4 6 0"
expect "the viewer" "$(ask 1280x900 '#layer-1' "$key
    cards[1].focus(); document.activeElement.click(); const seen = [viewer.open, document.querySelectorAll('#pairs figure').length];
    key('ArrowRight'); seen.push(document.querySelector('#viewer-title').textContent);
    for (let i = 0; i < 9; i++) key('ArrowRight');
    seen.push(document.querySelector('#viewer-title').textContent, document.querySelector('#next').disabled);
    return seen.join('; ')")" "true; 8; &lt;b&gt;layer&lt;/b&gt; · map 74; &lt;b&gt;layer&lt;/b&gt; · map 222; true"
expect "the viewer's title on a phone" "$(ask 390x844 '#layer-2-0' '
    const title = document.querySelector("#viewer-title").getBoundingClientRect();
    return title.height < 40 && document.activeElement.id')" close
expect "arrows among links" "$(ask 390x844 '#layer-1' "
    const links = [...document.querySelectorAll('nav a')]; links[0].focus();
    for (const k of ['ArrowDown', 'ArrowRight', 'ArrowUp']) document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: k, bubbles: true}));
    return links.indexOf(document.activeElement) + ' ' + document.querySelectorAll('[aria-current]').length")" "1 1"

expect "the current link in view" "$(ask 390x844 '#page-1' '
    const link = document.querySelector("[aria-current]").getBoundingClientRect();
    return link.left >= 0 && link.right <= innerWidth')" true

# One file alone, elsewhere.
mkdir "$folder/elsewhere" && mv "$folder/single/index.html" "$folder/elsewhere/" && rm -r "$folder/single"
mv "$folder/elsewhere/index.html" "$folder/page/index.html"
rm "$folder"/page/*.png
expect "a single file's pictures" "$(ask 1280x900 '#layer-0' '
    return document.images.length > 50 && [...document.images].every(i => i.src.startsWith("data:image/jpeg") || !i.getAttribute("src"))')" true
expect "those that are seen" "$(ask 1280x900 '#layer-0' 'return document.images[0].naturalWidth > 0')" true
exit $result
