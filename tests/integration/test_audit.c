/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "integration/rig.h"
#include "net/local.h"
#include "sim/act.h"

/* The audit trail as an admin sees it, of a daemon that answers. */

#define WORDS "a-secret-of-mine" /* said, and nowhere in the trail */

static struct rig rig;

static void setup(void)
{
	rig_up(&rig);
}

static void teardown(void)
{
	rig_close(&rig);
}

static char *export_lines(const char *json)
{
	return rig_run(&rig, EX_OK, ARGS("audit", "export", json));
}

static char *verify(int code, const char *how, const char *more)
{
	return rig_run(&rig, code, ARGS("audit", "verify", how, more));
}

/* Is there one line with all of these? */
static bool has_line(const char *out, const char *const *words)
{
	char line[1024];
	size_t n, i;

	for (; *out; out += n + (out[n] == '\n')) {
		n = strcspn(out, "\n");
		(void)snprintf(line, sizeof(line), "%.*s", (int)n, out);
		for (i = 0; words[i] && strstr(line, words[i]); i++)
			continue;
		if (!words[i])
			return true;
	}
	return false;
}

#define HAS(out, ...)                                                       \
	ck_assert_msg(has_line(out, (const char *[]){ __VA_ARGS__, NULL }), \
		      "%s", out)

static void ask(const char *user)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", user, "<@UB1> " WORDS, NULL, ts);
	free(rig_answer(&rig, "C1", ts));
}

static void set_budget(const char *budget)
{
	rig_do(&rig, EX_OK, ARGS("tenant", "set", "acme", "--budget", budget));
}

static void ask_in_vain(const char *user, size_t n)
{
	rig_say(&rig, "C1", user, "<@UB1> " WORDS, NULL, (char[SIM_TS]){ 0 });
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", user, n, MS), 0);
}

/* Both have their place when the last of them has. */
static void await_line(const char *const *words)
{
	char *out;
	bool found = false;
	int i;

	for (i = 0; i < MS / 50 && !found; i++) {
		out = export_lines(NULL);
		found = has_line(out, words);
		free(out);
		if (!found)
			poll(NULL, 0, 50);
	}
	ck_assert(found);
}

START_TEST(who_asked_what_was_decided_and_what_was_changed_is_told)
{
	char *out;

	set_budget("person/requests/day=1");
	ask("U1");
	ask_in_vain("U1", 1);
	await_line((const char *[]){ "decision=refuse:budget", NULL });
	out = export_lines(NULL);
	HAS(out, "what=ask", "tenant=acme", "user=U1", "agent=Mara",
	    "channel=C1", "workspace=T1", "model=main",
	    "completion_tokens=", "decision=answered");
	HAS(out, "what=ask", "user=U1", "decision=refuse:budget");
	HAS(out, "what=admin", "by=\"uid ", "PUT /v1/tenants/acme",
	    "changed=budget");
	HAS(out, "what=admin", "POST /v1/apply", "tenants=acme");
	ck_assert_ptr_null(strstr(out, WORDS));
	free(out);
	out = verify(EX_OK, NULL, NULL);
	ck_assert_ptr_nonnull(strstr(out, "the chain is whole"));
	free(out);
}
END_TEST

START_TEST(what_cannot_be_changed_is_not_told)
{
	char *out;

	rig_do(&rig, EX_NOINPUT, ARGS("tenant", "pause", "nobody"));
	out = export_lines(NULL);
	ck_assert_ptr_null(strstr(out, "nobody"));
	free(out);
}
END_TEST

START_TEST(a_trail_that_was_tampered_with_is_found_also_without_a_daemon)
{
	char *out;

	ask("U1");
	ask("U2");
	await_line((const char *[]){ "user=U2", NULL });
	rig_stop(&rig);
	if (!rig_is_shared())
		free(verify(EX_OK, "--offline", NULL));
	(void)rig_sql(&rig, "UPDATE audit SET body = replace(body, 'U1', 'U9')"
			    " WHERE seq > 1 AND body LIKE '%U1%'");
	(void)rig_sql(&rig, "DELETE FROM audit WHERE seq = 1");
	rig_start(&rig);
	out = verify(EX_DATAERR, NULL, NULL);
	ck_assert_ptr_nonnull(strstr(out, "row 1 is missing"));
	ck_assert_ptr_nonnull(strstr(out, " was changed"));
	free(out);
	out = verify(EX_DATAERR, "--json", NULL);
	ck_assert_ptr_nonnull(strstr(out, "\"row 1 is missing\""));
	free(out);
}
END_TEST

/* Into a file of the bed's; its path is in out. */
static void keep(char *out, size_t size, const char *text)
{
	FILE *f;

	(void)snprintf(out, size, "%s/trail", rig.bed.dir);
	f = fopen(out, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(an_exported_trail_is_verified_by_itself)
{
	char path[128], *out, *at;

	ask("U1");
	await_line((const char *[]){ "agent=Mara", NULL });
	out = export_lines("--json");
	keep(path, sizeof(path), out);
	free(verify(EX_OK, path, NULL));
	at = strstr(out, "Mara");
	ck_assert_ptr_nonnull(at);
	memcpy(at, "Lisa", 4);
	keep(path, sizeof(path), out);
	free(out);
	out = verify(EX_DATAERR, path, NULL);
	ck_assert_ptr_nonnull(strstr(out, " was changed"));
	free(out);
}
END_TEST

START_TEST(a_head_that_was_kept_is_looked_for)
{
	char head[160], *out, *at;

	out = verify(EX_OK, NULL, NULL);
	at = strchr(out, '\n') + 1;
	at[strcspn(at, "\n")] = '\0';
	(void)snprintf(head, sizeof(head), "--head=%s", at);
	free(out);
	ask("U1");
	free(verify(EX_OK, head, NULL));
	head[strlen(head) - 1] ^= 1;
	out = verify(EX_DATAERR, head, NULL);
	ck_assert_ptr_nonnull(strstr(out, "isn't the one of --head"));
	free(out);
	free(verify(EX_DATAERR, "--head", "12"));
}
END_TEST

START_TEST(nothing_is_told_of_days_to_come)
{
	char *out = rig_run(&rig, EX_OK,
			    ARGS("audit", "export", "--since", "2100-01-01"));

	ck_assert_str_eq(out, "");
	free(out);
	rig_do(&rig, EX_DATAERR,
	       ARGS("audit", "export", "--since", "2100-13-01"));
}
END_TEST

static void key_id(const char *out, char id[16])
{
	const char *at = strstr(out, "\"key\":\"");

	ck_assert_msg(at != NULL, "%s", out);
	(void)snprintf(id, 16, "%.8s", at + 7);
}

/* Neither through the daemon nor in a transaction of what it tells of. */
START_TEST(what_is_done_beside_the_daemon_is_told)
{
	const char *const add[] = { "--json", "key", "add", NULL };
	char path[128], id[16], *out;
	const char *const backup[] = { "backup", path, NULL };
	const char *const remove[] = { "key", "remove", id, NULL };

	(void)snprintf(path, sizeof(path), "%s/copy", rig.bed.dir);
	ck_assert_int_eq(kill(rig.bed.pid, SIGHUP), 0);
	await_line((const char *[]){ "what=admin", "by=\"uid ",
				     "reload by SIGHUP", NULL });
	out = rig_run(&rig, EX_OK, add);
	key_id(out, id);
	free(out);
	rig_do(&rig, EX_OK, remove);
	if (!rig_is_shared())
		rig_do(&rig, EX_OK, backup);
	out = export_lines(NULL);
	HAS(out, "what=admin", "key add ", id);
	HAS(out, "what=admin", "key remove ", id);
	if (!rig_is_shared())
		HAS(out, "what=admin", "backup ", path);
	free(out);
	free(verify(EX_OK, NULL, NULL));
}
END_TEST

START_TEST(what_is_done_without_a_daemon_is_told)
{
	const char *const add[] = { "--json", "key", "add", NULL };
	char path[128], id[16], *out;
	const char *const backup[] = { "backup", path, NULL };

	(void)snprintf(path, sizeof(path), "%s/copy", rig.bed.dir);
	rig_stop(&rig);
	out = rig_run(&rig, EX_OK, add);
	key_id(out, id);
	free(out);
	if (!rig_is_shared())
		rig_do(&rig, EX_OK, backup);
	out = rig_run(&rig, EX_OK, ARGS("audit", "export", "--offline"));
	HAS(out, "key add ", id, " offline");
	if (!rig_is_shared())
		HAS(out, "backup ", path, " offline");
	free(out);
	rig_start(&rig);
}
END_TEST

START_TEST(a_remark_is_of_a_kind_that_is_known)
{
	static const char *const bodies[] = {
		"{\"command\":\"tenant remove\",\"about\":\"acme\"}",
		"{\"command\":\"backup\"}",
		"{\"about\":\"acme\"}",
		"[]",
		"{\"command\":7,\"about\":[]}",
	};
	char socket[128];
	struct buf out;
	size_t i;

	(void)snprintf(socket, sizeof(socket), "%s/admin.sock", rig.bed.dir);
	buf_init(&out, 4096);
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		ck_assert_int_eq(local_call(socket, "POST", "/v1/remarks",
					    bodies[i], strlen(bodies[i]), &out,
					    &(struct err){ 0 }),
				 400);
	buf_release(&out);
}
END_TEST

START_TEST(what_is_stored_of_a_tenants_people_is_purged)
{
	static const char *const tables[] = { "transcript", "usage", "usage_by",
					      "feedback" };
	const char *const purge[] = { "tenant", "purge", "acme", NULL };
	char *out;
	size_t i;

	ask("U1");
	ask("U2");
	await_line((const char *[]){ "user=U2", NULL });
	ck_assert_int_eq(rig_count(&rig, "transcript"), 4);
	rig_tells(&rig, EX_OK, purge, " rows of 'acme' are erased");
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		ck_assert_int_eq(rig_count(&rig, tables[i]), 0);
	rig_do(&rig, EX_NOINPUT, ARGS("tenant", "purge", "nobody"));
	out = export_lines(NULL);
	HAS(out, "POST /v1/tenants/acme/purge");
	free(out);
	free(verify(EX_OK, NULL, NULL));
	ask("U1");
	ck_assert_int_eq(rig_count(&rig, "transcript"), 2);
}
END_TEST

static void await_count(const char *table, int64_t n)
{
	int i;

	for (i = 0; i < MS / 50 && rig_count(&rig, table) != n; i++)
		poll(NULL, 0, 50);
	ck_assert_int_eq(rig_count(&rig, table), n);
}

START_TEST(a_message_deleted_in_slack_leaves_the_transcript)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> " WORDS, NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	await_count("transcript WHERE user_id = 'U1'", 1);
	ck_assert_int_eq(sim_delete(rig.sim, "C1", ts), 0);
	await_count("transcript WHERE user_id = 'U1'", 0);
}
END_TEST

/* What a turn has read of the thread is written down at its end. */
START_TEST(so_does_one_that_was_read_in_slack)
{
	const struct sim_llm stuck = { .contains = "for ever",
				       .mode = SIM_LLM_SILENCE,
				       .after = 2 };
	char root[SIM_TS], reply[SIM_TS];
	struct sim_msg *m;
	size_t n;

	ck_assert_int_eq(sim_llm(rig.sim, &stuck), 0);
	rig_say(&rig, "C1", "U2", WORDS, NULL, root);
	rig_say(&rig, "C1", "U1", "<@UB1> for ever", root, NULL);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "Hello", MS), 0);
	m = sim_messages(rig.sim, "C1", root, &n);
	(void)snprintf(reply, sizeof(reply), "%s", m[n - 1].ts);
	sim_messages_free(m, n);
	ck_assert_int_eq(sim_delete(rig.sim, "C1", root), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_int_eq(sim_react(rig.sim, "C1", reply, "U1", "x", true), 0);
	free(rig_answer(&rig, "C1", root));
	ck_assert_int_eq(rig_count(&rig, "transcript WHERE user_id = 'U1'"), 1);
	ck_assert_int_eq(rig_count(&rig, "transcript WHERE user_id = 'U2'"), 0);
}
END_TEST

START_TEST(how_long_a_tenants_own_is_kept_is_set_shown_and_exported)
{
	const char *const set[] = { "tenant", "set",
				    "acme",   "--keep-transcripts",
				    "30",     "--keep-audit=0",
				    NULL };
	const char *const show[] = { "tenant", "show", "acme", NULL };
	char *out;

	rig_do(&rig, EX_OK, set);
	out = rig_run(&rig, EX_OK, show);
	HAS(out, "keep_transcripts", "30 days");
	HAS(out, "keep_audit", "as long as it is there");
	ck_assert_ptr_null(strstr(out, "keep_usage"));
	free(out);
	rig_tells(&rig, EX_OK, ARGS("export"), "\"keep_transcripts\": 30");
	rig_do(&rig, EX_OK,
	       ARGS("tenant", "set", "acme", "--keep-transcripts", "default"));
	rig_do(&rig, EX_DATAERR,
	       ARGS("tenant", "set", "acme", "--keep-usage", "soon"));
	out = rig_run(&rig, EX_OK, show);
	ck_assert_ptr_null(strstr(out, "keep_transcripts"));
	free(out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit");
	TCase *tc = tcase_create("audit");
	SRunner *sr;
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc,
		       who_asked_what_was_decided_and_what_was_changed_is_told);
	tcase_add_test(tc, what_cannot_be_changed_is_not_told);
	tcase_add_test(
		tc,
		a_trail_that_was_tampered_with_is_found_also_without_a_daemon);
	tcase_add_test(tc, an_exported_trail_is_verified_by_itself);
	tcase_add_test(tc, a_head_that_was_kept_is_looked_for);
	tcase_add_test(tc, nothing_is_told_of_days_to_come);
	tcase_add_test(tc, what_is_done_beside_the_daemon_is_told);
	tcase_add_test(tc, what_is_done_without_a_daemon_is_told);
	tcase_add_test(tc, a_remark_is_of_a_kind_that_is_known);
	tcase_add_test(tc, what_is_stored_of_a_tenants_people_is_purged);
	tcase_add_test(tc, a_message_deleted_in_slack_leaves_the_transcript);
	tcase_add_test(tc, so_does_one_that_was_read_in_slack);
	tcase_add_test(
		tc, how_long_a_tenants_own_is_kept_is_set_shown_and_exported);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
