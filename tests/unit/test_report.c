/*
 * Text, JSON and HTML against golden files, the JSON against its schemas.
 * Run from the root of the checkout; RSTHOP_UPDATE_GOLDEN=1 writes the golden
 * files anew, to be read before they are committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "golden.h"
#include "proves.h"
#include "report_cases.h"

#define SCHEMA "share/schema/"

struct report_case {
	const char *name;
	struct locate_result *(*locate)(void);
	struct trace_result *(*trace)(void);
};

static const struct report_case cases[] = {
    {"founding", case_founding, NULL},
    {"silent-device", case_silent, NULL},
    {"server", case_server, NULL},
    {"not-reproduced", case_not_reproduced, NULL},
    {"response-triggered", case_response, NULL},
    {"no-trigger", case_no_trigger, NULL},
    {"no-trigger-server", case_no_trigger_server, NULL},
    {"interrupted", case_interrupted, NULL},
    {"empty", case_empty, NULL},
    {"v6-load-balancer", case_v6, NULL},
    {"hostile", case_hostile, NULL},
    {"trace", NULL, case_trace},
    {"trace-v6", NULL, case_trace_v6},
    {"trace-empty", NULL, case_trace_empty},
    {"trace-unreached", NULL, case_trace_unreached},
    {"trace-trouble", NULL, case_trace_trouble},
    {"cut-short", case_cut_short, NULL},
    {"exec-silent", case_exec_silent, NULL},
    {"exec-server", case_exec_server, NULL},
    {"exec-login", case_exec_login, NULL},
    {"attached", case_attached, NULL},
    {"dialogue", case_dialogue, NULL},
    {"recorded", case_recorded, NULL},
    {"port-sweep", case_port_sweep, NULL},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

/* What the writer makes of the case; the caller frees it. */
static char *
render(const struct report_case *c, const char *writer,
    const struct report_style *st)
{
	const struct report_writer *w = report_writer_by_name(writer);
	struct locate_result *l = c->locate == NULL ? NULL : c->locate();
	struct trace_result *t = c->trace == NULL ? NULL : c->trace();
	struct fault f = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(w);
	assert_non_null(out);
	if (l != NULL)
		assert_int_equal(w->locate(l, st, out, &f), 0);
	else
		assert_int_equal(w->trace(t, st, out, &f), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(text), len); /* no NUL within */
	if (l != NULL)
		case_locate_free(l);
	if (t != NULL)
		case_trace_free(t);
	return text;
}

/* Our version by a placeholder, so that golden files outlive a release. */
static char *
without_version(char *text)
{
	static const char before[] = "\"version\": \"";
	char *at = strstr(text, before), *out = NULL;
	size_t n = strlen(RSTHOP_VERSION), len = 0;
	FILE *f = open_memstream(&out, &len);

	assert_non_null(f);
	assert_non_null(at);
	at += strlen(before);
	assert_memory_equal(at, RSTHOP_VERSION "\"", n + 1);
	fprintf(f, "%.*s@VERSION@%s", (int)(at - text), text, at + n);
	assert_int_equal(fclose(f), 0);
	free(text);
	return out;
}

static void
assert_plain_lines(const char *text, const char *name)
{
	const char *p = text, *end;

	assert_true(strlen(text) > 0);
	assert_int_equal(text[strlen(text) - 1], '\n');
	for (; *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		if (end - p > 80)
			fail_msg("%s: over 80 columns: %.*s", name,
			    (int)(end - p), p);
		if (end > p && end[-1] == ' ')
			fail_msg("%s: blank at the end: %.*s", name,
			    (int)(end - p), p);
		for (; p < end; p++) {
			if (*p < ' ' || *p > '~')
				fail_msg("%s: byte %#x", name,
				    (unsigned int)(unsigned char)*p);
		}
	}
}

static void
test_text(void **state)
{
	struct report_style st = {.names = true};
	char *text;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		text = render(&cases[i], "text", &st);
		assert_plain_lines(text, cases[i].name);
		golden_compare(cases[i].name, ".txt", text);
		free(text);
	}
}

static void
test_text_names_off(void **state)
{
	struct report_style st = {0};
	char *text = render(&cases[0], "text", &st);

	(void)state;
	assert_null(strstr(text, "gw.example.com"));
	/* What the user wrote is no look-up. */
	assert_non_null(strstr(text, "db.example.com"));
	free(text);
}

/* Takes colours and the dash of UTF-8 back out, in place. */
static void
strip(char *text)
{
	char *to = text;

	while (*text != '\0') {
		if (*text == '\033') {
			text += strcspn(text, "m") + 1;
		} else if (strncmp(text, "\342\200\223", 3) == 0) {
			*to++ = '-';
			text += 3;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

static void
test_text_color_utf8(void **state)
{
	struct report_style rich = {.names = true, .color = true, .utf8 = true};
	struct report_style st = {.names = true};
	char *a, *b;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		a = render(&cases[i], "text", &rich);
		b = render(&cases[i], "text", &st);
		assert_non_null(strstr(a, "\033[1m"));
		strip(a);
		assert_string_equal(a, b);
		free(a);
		free(b);
	}
	a = render(&cases[7], "text", &rich);
	assert_non_null(strstr(a, "\342\200\223")); /* TTL 1 was not tried */
	free(a);
}

static void
test_text_wide(void **state)
{
	struct report_style st = {.names = true, .columns = 120};
	char *text = render(&cases[0], "text", &st);

	(void)state;
	assert_non_null(strstr(text,
	    "\n  No probe beyond hop 1 came back as "
	    "time-exceeded when it fired: it is in "
	    "the path.\n"));
	free(text);
}

static void
test_json(void **state)
{
	struct report_style st = {.names = true};
	char *text;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		text = without_version(render(&cases[i], "json", &st));
		golden_compare(cases[i].name, ".json", text);
		free(text);
	}
}

/* Runs the validator on golden files; its exit status. */
static int
validate(const char *schema, const char *files)
{
	char command[4096];
	int status, n;

	n = snprintf(command, sizeof(command),
	    "/usr/bin/python3 tests/cli/schema.py " SCHEMA "%s %s", schema,
	    files);
	assert_true(n > 0 && (size_t)n < sizeof(command));
	fflush(NULL);
	status = system(command);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
validate_all(const char *schema, bool trace)
{
	char files[2048] = "";
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < CASES; i++) {
		if ((cases[i].trace != NULL) != trace)
			continue;
		n += (size_t)snprintf(files + n, sizeof(files) - n,
		    GOLDEN "%s.json ", cases[i].name);
		assert_true(n < sizeof(files));
	}
	rc = validate(schema, files);
	if (rc == 77) {
		print_message("SKIPPED: no python3-jsonschema: the schema "
			      "was not tried\n");
		skip();
	}
	assert_int_equal(rc, 0);
}

static void
test_schema_locate(void **state)
{
	(void)state;
	validate_all("rsthop.locate-1.schema.json", false);
}

static void
test_schema_trace(void **state)
{
	(void)state;
	validate_all("rsthop.trace-1.schema.json", true);
}

/*
 * The exit status for the founding case's document as a sed script leaves it.
 */
static int
validate_edited(const char *script)
{
	char command[1024];
	int status, n;

	n = snprintf(command, sizeof(command),
	    "sed '%s' " GOLDEN "founding.json | /usr/bin/python3 "
	    "tests/cli/schema.py " SCHEMA "rsthop.locate-1.schema.json "
	    "2>/dev/null",
	    script);
	assert_true(n > 0 && (size_t)n < sizeof(command));
	fflush(NULL);
	status = system(command);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_schema_rejects(void **state)
{
	static const char *const wrong[] = {
	    "s/\"kind\": \"middlebox\"/\"kind\": \"mystery\"/",
	    "/\"confidence\"/d",
	    "s/\"hop\": 1,/\"hop\": \"1\",/",
	    "s/\"duration_s\": .*,/\"duration_s\": NaN,/",
	    "s/\"started\": .*,/\"started\": \"yesterday\",/",
	    "s/\"hex\": .*/\"hex\": \"7\"/",
	    "$d",
	};

	(void)state;
	if (validate_edited("") == 77) {
		print_message("SKIPPED: no python3-jsonschema\n");
		skip();
	}
	assert_int_equal(validate_edited(""), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (validate_edited(wrong[i]) != 1)
			fail_msg("not refused: sed '%s'", wrong[i]);
	}
}

/*
 * Every element closed in its turn, no raw control byte, no script.  A page
 * of ours has no comments and no '>' within an attribute.
 */
static void
assert_page(const char *page, const char *name)
{
	static const char *const empty[] = {
	    "!doctype", "meta", "circle", "line", "path"};
	char stack[32][16], tag[16];
	size_t depth = 0, n;

	for (const char *p = page; *p != '\0'; p++)
		assert_true(*p == '\n' || (*p >= ' ' && *p <= '~'));
	for (const char *p = strchr(page, '<'); p != NULL;
	     p = strchr(p + 1, '<')) {
		bool close = p[1] == '/', skip_it = false;

		n = strcspn(p + 1 + close, " />\n");
		assert_true(n > 0 && n < sizeof(tag));
		snprintf(tag, sizeof(tag), "%.*s", (int)n, p + 1 + close);
		assert_string_not_equal(tag, "script");
		for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
			skip_it |= strcmp(tag, empty[i]) == 0;
		if (skip_it)
			continue;
		if (!close) {
			assert_true(depth < 32);
			memcpy(stack[depth++], tag, sizeof(tag));
			continue;
		}
		assert_true(depth > 0);
		if (strcmp(stack[--depth], tag) != 0)
			fail_msg(
			    "%s: </%s> closes <%s>", name, tag, stack[depth]);
	}
	assert_int_equal(depth, 0);
}

static void
test_html(void **state)
{
	struct report_style st = {.names = true};
	char *page;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		page = render(&cases[i], "html", &st);
		assert_page(page, cases[i].name);
		/* Nothing is fetched from elsewhere. */
		assert_null(strstr(page, "http"));
		assert_null(strstr(page, "src="));
		assert_null(strstr(page, "url("));
		free(page);
	}
}

static void
test_html_order(void **state)
{
	static const char *const order[] = {
	    "<h1>Hop 1, 10.9.0.2 (gw.example.com), forges the resets (98&nbsp;%).",
	    "<p>Reset on 4 of 8 triggers, on 0 of 8 controls (p = 0.04)",
	    "<svg", "class=\"d\"", "<h2>Path</h2>", "<tr class=\"device\">",
	    "here, in its forwarding plane", "<h2>Why</h2>",
	    "your own packet&#39;s IP ID, 13052", "<h2>Also possible</h2>",
	    "2&nbsp;%", "<h2>Next</h2>", "Ruijie Networks", "<h2>Resets</h2>",
	    "13055 (yours)", "<h2>Facts</h2>", "use db", "</html>"};
	struct report_style st = {.names = true};
	char *page = render(&cases[0], "html", &st);
	const char *at = page;

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		at = strstr(at, order[i]);
		if (at == NULL)
			fail_msg("missing or out of order: %s", order[i]);
	}
	free(page);
}

static void
test_html_hostile(void **state)
{
	struct report_style st = {.names = true};
	char *page = render(&cases[10], "html", &st);

	(void)state;
	assert_string_equal(cases[10].name, "hostile");
	assert_non_null(strstr(page, "&lt;script&gt;alert(&#39;1&#39;)"));
	assert_non_null(strstr(page, "\\x1b]0;owned"));
	free(page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("text of every case is its golden file, ASCII, 80 columns",
		test_text),
	    PROVES("-n shows no looked-up name", test_text_names_off),
	    PROVES(
		"colours and UTF-8 change nothing else", test_text_color_utf8),
	    PROVES("prose takes the width it is given", test_text_wide),
	    PROVES("JSON of every case is its golden file", test_json),
	    PROVES("locate documents obey the published schema",
		test_schema_locate),
	    PROVES(
		"trace documents obey the published schema", test_schema_trace),
	    PROVES("documents that break the schema are refused",
		test_schema_rejects),
	    PROVES(
		"HTML is balanced, escaped, without script or outside resource",
		test_html),
	    PROVES("HTML has the text's content in the text's order",
		test_html_order),
	    PROVES(
		"HTML shows hostile names as harmless text", test_html_hostile),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
