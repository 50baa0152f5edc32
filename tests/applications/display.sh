# display.sh: sourced by the tests of applications with windows: a screen of their own (screen.py takes pictures of it).
# shellcheck shell=sh disable=SC2154

# display_start: DISPLAY is a screen that ends with the test.
display_start() {
	needs Xvfb
	Xvfb -displayfd 3 -screen 0 1280x900x24 -nolisten tcp 3>"$work/display" >"$work/xvfb.log" 2>&1 &
	servers="$servers $!"
	until_true 20 test -s "$work/display"
	DISPLAY=:$(cat "$work/display")
	export DISPLAY
}
