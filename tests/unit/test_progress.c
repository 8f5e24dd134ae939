/* tests/unit/test_progress.c — the progress line on a terminal: what it says, and that it never is
 * wider than the terminal.
 */
#define _GNU_SOURCE /* posix_openpt */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/progress.h"

static struct {
    int master, terminal;
    vgg_style style;
    char text[4096]; /* drawn since the last look */
} fixture;

static void resize(int columns)
{
    const struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    assert_int_equal(ioctl(fixture.terminal, TIOCSWINSZ, &size), 0);
}

static int open_terminal(void **state)
{
    (void)state;
    fixture.master = posix_openpt(O_RDWR | O_NOCTTY);
    if (fixture.master < 0) { /* a chroot without /dev/pts */
        fprintf(stderr, "SKIPPED: no terminal can be made: %s\n", strerror(errno));
        exit(0);
    }
    assert_int_equal(grantpt(fixture.master), 0);
    assert_int_equal(unlockpt(fixture.master), 0);
    fixture.terminal = open(ptsname(fixture.master), O_RDWR | O_NOCTTY);
    assert_true(fixture.terminal >= 0);
    assert_int_equal(fcntl(fixture.master, F_SETFL, O_NONBLOCK), 0);
    resize(100);
    fixture.style = vgg_style_of(fixture.terminal, true);
    assert_true(fixture.style.terminal);
    assert_int_equal(fixture.style.columns, 100);
    return 0;
}

static int close_terminal(void **state)
{
    (void)state;
    close(fixture.master);
    return close(fixture.terminal);
}

static vgg_progress start(const char *what, size_t total)
{
    vgg_progress progress = vgg_progress_start(&fixture.style, what, total);
    progress.out.fd = fixture.terminal;
    return progress;
}

/* The text drawn, without the end that wipes the rest of the line; "" for nothing. */
static const char *drawn(vgg_progress *progress)
{
    const ssize_t got = read(fixture.master, fixture.text, sizeof fixture.text - 1);
    progress->drawn_ms = 0; /* draws again at once */
    fixture.text[got > 0 ? got : 0] = '\0';
    if (got <= 0)
        return fixture.text;
    assert_int_equal(fixture.text[0], '\r');
    char *end = strstr(fixture.text, "\033[K");
    assert_non_null(end);
    *end = '\0';
    return fixture.text + 1;
}

static void phases_are_named(void **state)
{
    (void)state;
    vgg_progress progress = start("projecting", 1872);
    vgg_progress_update(&progress, 26);
    assert_non_null(strstr(drawn(&progress), "  projecting 26 of 1,872"));
    vgg_progress_finish(&progress);
    (void)drawn(&progress);
    progress = start("Grad-CAM", 3); /* which takes a while */
    vgg_progress_update(&progress, 0);
    assert_non_null(strstr(drawn(&progress), "  Grad-CAM 0 of 3"));
    vgg_progress_finish(&progress);
    (void)drawn(&progress);
    progress = start(NULL, 3); /* as few images don't */
    vgg_progress_update(&progress, 1);
    assert_string_equal(drawn(&progress), "");
    vgg_progress_finish(&progress);
}

/* The first moments say little about the rest: a thousandth of a second is no rate. */
static void a_rate_takes_half_a_second(void **state)
{
    (void)state;
    vgg_progress progress = start(NULL, 1000);
    progress.start_ms += 1e6; /* whatever this machine is busy with */
    vgg_progress_update(&progress, 500);
    const char *line = drawn(&progress);
    assert_non_null(strstr(line, "500 of 1,000"));
    assert_null(strchr(line, '/'));
    assert_null(strstr(line, "left"));
    progress.start_ms -= 1e6 + 100e3; /* 100 s ago, and some */
    vgg_progress_update(&progress, 500);
    line = drawn(&progress);
    assert_non_null(strstr(line, "  5.0 images/s  1:4"));
    assert_non_null(strstr(line, " left"));
    vgg_progress_update(&progress, 0);
    assert_null(strstr(drawn(&progress), "left"));
    vgg_progress_finish(&progress);
    (void)drawn(&progress);
}

static void lines_fit_the_terminal(void **state)
{
    (void)state;
    static const int widths[] = {200, 100, 80, 60, 40, 20, 19, 1};
    vgg_progress progress = start(NULL, SIZE_MAX);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        resize(widths[i]); /* also in the middle of the work */
        vgg_progress_show(&progress, 0.5,
                          "epoch 1 of 12  loss 0.4321  98.7 % right  1234567 images/s  1:05 left");
        const char *line = drawn(&progress);
        assert_true(strlen(line) < (size_t)widths[i]);
        assert_int_equal(strlen(line) > 0, widths[i] >= 20);
        assert_int_equal(line[0] == '=', widths[i] >= 80); /* the bar gives way */
        if (widths[i] >= 20)
            assert_non_null(strstr(line, "epoch 1 of 12"));
    }
    resize(100);
    vgg_progress_finish(&progress);
    (void)drawn(&progress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_are_named),
        cmocka_unit_test(a_rate_takes_half_a_second),
        cmocka_unit_test(lines_fit_the_terminal),
    };
    return cmocka_run_group_tests(tests, open_terminal, close_terminal);
}
