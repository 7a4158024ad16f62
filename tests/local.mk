# SPDX-License-Identifier: ISC
#
# The tests; README.md beside this file tells how to add one. All are linked
# alike, as of a library only what is used is taken: a program has a line in
# one of the lists, and no more unless it is built in a way of its own.
# In each list the longest come first, or they would end alone.

noinst_LIBRARIES += tests/libtest.a
tests_libtest_a_SOURCES = \
	tests/books.c tests/books.h \
	tests/desk.c tests/desk.h \
	tests/envelopes.c tests/envelopes.h \
	tests/peer.c tests/peer.h \
	tests/pen.c tests/pen.h \
	tests/pg.c tests/pg.h \
	tests/pg_cluster.c \
	tests/pg_in.h \
	tests/promtext.c tests/promtext.h \
	tests/proxy.c tests/proxy.h \
	tests/proxy_box.c \
	tests/redis.c tests/redis.h \
	tests/scratch.c tests/scratch.h \
	tests/scripted.c tests/scripted.h \
	tests/simapp.c tests/simapp.h \
	tests/valve.c tests/valve.h \
	tests/wires.c tests/wires.h \
	tests/integration/death.c tests/integration/death.h \
	tests/integration/gap.c tests/integration/gap.h \
	tests/integration/rig.c tests/integration/rig.h \
	tests/integration/shift.c tests/integration/shift.h \
	tests/bed/bed.c tests/bed/bed.h \
	tests/bed/nodes.c tests/bed/nodes.h
bed_libs = tests/libtest.a tests/sim/libsim.a src/state/libstate.a $(store_libs) \
	$(HIREDIS_LIBS)
LDADD = tests/libtest.a tests/sim/libsim.a $(ctl_libs) $(CHECK_LIBS) -lm

unit_tests = \
	tests/test_uninstall \
	tests/test_keep \
	tests/test_journal \
	tests/test_cluster \
	tests/test_store \
	tests/test_reply \
	tests/test_lws \
	tests/test_audit \
	tests/test_llm \
	tests/test_migrate \
	tests/test_spill \
	tests/test_gate \
	tests/test_transcript \
	tests/test_rls \
	tests/test_records \
	tests/test_turn \
	tests/test_turn_posts \
	tests/test_turn_refused \
	tests/test_turn_restart \
	tests/test_turn_told \
	tests/test_access \
	tests/test_admin \
	tests/test_api \
	tests/test_apply \
	tests/test_apps \
	tests/test_attach \
	tests/test_budget \
	tests/test_buf \
	tests/test_canary \
	tests/test_conf \
	tests/test_content \
	tests/test_ctl \
	tests/test_download \
	tests/test_engaged \
	tests/test_envelope \
	tests/test_gather \
	tests/test_http \
	tests/test_hub \
	tests/test_intake \
	tests/test_json \
	tests/test_keyring \
	tests/test_keys \
	tests/test_lane \
	tests/test_link \
	tests/test_live \
	tests/test_llm_reload \
	tests/test_log \
	tests/test_loop \
	tests/test_map \
	tests/test_markdown \
	tests/test_message \
	tests/test_metric \
	tests/test_openai \
	tests/test_pace \
	tests/test_page \
	tests/test_pg_tls \
	tests/test_place \
	tests/test_prompt \
	tests/test_quarantine \
	tests/test_queue \
	tests/test_redis \
	tests/test_relay \
	tests/test_render \
	tests/test_retry \
	tests/test_rich \
	tests/test_router \
	tests/test_screen \
	tests/test_secret \
	tests/test_signal \
	tests/test_sim \
	tests/test_sim_acts \
	tests/test_sim_agent \
	tests/test_sim_chat \
	tests/test_sim_commands \
	tests/test_sim_socket \
	tests/test_sim_tokens \
	tests/test_sim_views \
	tests/test_sse \
	tests/test_stages \
	tests/test_suspect \
	tests/test_swept \
	tests/test_text \
	tests/test_tls \
	tests/test_tokens \
	tests/test_url \
	tests/test_usage \
	tests/test_way \
	tests/test_web \
	tests/test_word \
	tests/test_words

# The real daemon against the simulator.
integration_tests = \
	tests/integration/test_letters \
	tests/integration/test_stream \
	tests/integration/test_postgres \
	tests/integration/test_faults \
	tests/integration/test_signals \
	tests/integration/test_cluster \
	tests/integration/test_places \
	tests/integration/test_gather \
	tests/integration/test_hostile \
	tests/integration/test_restart \
	tests/integration/test_trouble \
	tests/integration/test_moved \
	tests/integration/test_proxy \
	tests/integration/test_uninstall \
	tests/integration/test_access \
	tests/integration/test_answer \
	tests/integration/test_catchup \
	tests/integration/test_agent \
	tests/integration/test_audit \
	tests/integration/test_browser \
	tests/integration/test_commands \
	tests/integration/test_doctor \
	tests/integration/test_files \
	tests/integration/test_init \
	tests/integration/test_links \
	tests/integration/test_metrics \
	tests/integration/test_mistakes \
	tests/integration/test_page \
	tests/integration/test_reload \
	tests/integration/test_roles \
	tests/integration/test_secrets \
	tests/integration/test_tenants \
	tests/integration/test_top \
	tests/integration/test_text \
	tests/integration/test_ways
if KILLPOINTS
killpoint_tests = \
	tests/integration/test_kill_turn \
	tests/integration/test_renew \
	tests/integration/test_kill_rest \
	tests/integration/test_kill_stream \
	tests/integration/test_kill_group \
	tests/integration/test_canary \
	tests/integration/test_clock \
	tests/integration/test_budget \
	tests/integration/test_keys
killpoint_tests_on_postgres = \
	tests/integration/test_renew_postgres \
	tests/integration/test_kill_turn_postgres \
	tests/integration/test_canary_postgres \
	tests/integration/test_kill_group_postgres \
	tests/integration/test_keys_postgres \
	tests/integration/test_budget_postgres \
	tests/integration/test_kill_rest_postgres \
	tests/integration/test_kill_stream_postgres
endif

# The same programs once more on PostgreSQL and Redis: the name says so, see
# integration/rig.h.
tests_on_postgres = $(killpoint_tests_on_postgres) \
	tests/integration/test_stream_postgres \
	tests/integration/test_signals_postgres \
	tests/integration/test_gather_postgres \
	tests/integration/test_hostile_postgres \
	tests/integration/test_answer_postgres \
	tests/integration/test_moved_postgres \
	tests/integration/test_uninstall_postgres \
	tests/integration/test_reload_postgres \
	tests/integration/test_restart_postgres \
	tests/integration/test_agent_postgres \
	tests/integration/test_links_postgres \
	tests/integration/test_audit_postgres \
	tests/integration/test_access_postgres \
	tests/integration/test_tenants_postgres \
	tests/integration/test_text_postgres \
	tests/integration/test_ways_postgres
check_SCRIPTS = $(tests_on_postgres)
tests/integration/%_postgres: tests/integration/%
	$(AM_V_GEN)ln -f $< $@

check_PROGRAMS = tests/torture/test_torture $(killpoint_tests) \
	$(integration_tests) $(unit_tests)
dist_check_SCRIPTS = tests/alloc.sh tests/layers.sh tests/packaging.sh \
	tests/prometheus.sh
TESTS = tests/alloc.sh $(tests_on_postgres) $(check_PROGRAMS) \
	tests/layers.sh tests/packaging.sh tests/prometheus.sh
# A limit of seconds is there to end what hangs, not what is slow.
AM_TESTS_ENVIRONMENT = CK_FORK=$${CK_FORK:-yes} CK_DEFAULT_TIMEOUT=60 \
	CK_TIMEOUT_MULTIPLIER=$${CK_TIMEOUT_MULTIPLIER:-3} \
	KONSTRUCT_SRCDIR='$(abs_srcdir)' KONSTRUCT_BUILDDIR='$(abs_builddir)'; \
	export CK_FORK CK_DEFAULT_TIMEOUT CK_TIMEOUT_MULTIPLIER \
	KONSTRUCT_SRCDIR KONSTRUCT_BUILDDIR;

# Those that are built in a way of their own. The stage stands in the place of
# what is below turn/, and so can't be in the library.
stage = tests/stage.c tests/stage.h tests/scene.c tests/scene.h
tests_test_turn_SOURCES = tests/test_turn.c $(stage)
tests_test_turn_posts_SOURCES = tests/test_turn_posts.c $(stage)
tests_test_turn_refused_SOURCES = tests/test_turn_refused.c $(stage)
tests_test_turn_restart_SOURCES = tests/test_turn_restart.c $(stage)
tests_test_turn_told_SOURCES = tests/test_turn_told.c $(stage)
tests_test_gather_SOURCES = tests/test_gather.c $(stage)
tests_test_signal_SOURCES = tests/test_signal.c $(stage)
tests_test_hub_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=journal_submit,--wrap=router_submit
tests_test_intake_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=journal_submit,--wrap=router_submit,--wrap=loop_post
tests_test_sim_chat_SOURCES = tests/test_sim_chat.c \
	tests/sim/lines.c tests/sim/people.c tests/sim/view.c \
	tests/sim/widgets.c

# A short torture is a test, a long one "./dev torture".
torture = tests/torture/court.c tests/torture/court.h \
	tests/torture/dialog.c tests/torture/dialog.h \
	tests/torture/dice.c tests/torture/dice.h \
	tests/torture/doom.c tests/torture/doom.h \
	tests/torture/fate.c tests/torture/fate.h \
	tests/torture/hush.c tests/torture/hush.h \
	tests/torture/judge.c tests/torture/judge.h \
	tests/torture/ledger.c tests/torture/ledger.h \
	tests/torture/mischief.c tests/torture/mischief.h \
	tests/torture/plea.c tests/torture/plea.h \
	tests/torture/rules.c tests/torture/rules.h \
	tests/torture/run.c tests/torture/run.h \
	tests/torture/story.c tests/torture/story.h \
	tests/torture/talk.c tests/torture/talk.h \
	tests/torture/whim.c tests/torture/whim.h \
	tests/torture/world.c tests/torture/world.h
tests_torture_test_torture_SOURCES = tests/torture/test_torture.c $(torture)

noinst_PROGRAMS = tests/demo/demo tests/bench/bench tests/torture/torture \
	tests/stall
tests_stall_SOURCES = tests/stall.c
tests_stall_LDADD =
tests_torture_torture_SOURCES = tests/torture/torture.c $(torture)
tests_torture_torture_LDADD = $(bed_libs) $(SQLITE_LIBS) -lm
tests_demo_demo_SOURCES = tests/demo/demo.c tests/demo/answers.c \
	tests/demo/play.c tests/demo/play.h tests/demo/scenes.c \
	tests/demo/screen.c tests/demo/screen.h \
	tests/demo/world.c tests/demo/world.h
tests_demo_demo_LDADD = $(bed_libs)
tests_bench_bench_SOURCES = tests/bench/bench.c \
	tests/bench/load.c tests/bench/load.h tests/bench/several.c \
	tests/bench/streams.c tests/bench/streams.h
tests_bench_bench_LDADD = $(bed_libs)

# Fuzz targets: with libFuzzer under --enable-fuzz, else a test that replays
# the corpus. A target is one line in fuzz_targets and two below.
fuzz_targets = tests/fuzz/fuzz_access tests/fuzz/fuzz_apply tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_content \
	tests/fuzz/fuzz_envelope tests/fuzz/fuzz_frames tests/fuzz/fuzz_host \
	tests/fuzz/fuzz_json tests/fuzz/fuzz_link \
	tests/fuzz/fuzz_openai tests/fuzz/fuzz_permalink tests/fuzz/fuzz_rich \
	tests/fuzz/fuzz_routes \
	tests/fuzz/fuzz_sim tests/fuzz/fuzz_speech \
	tests/fuzz/fuzz_sse tests/fuzz/fuzz_swept \
	tests/fuzz/fuzz_text \
	tests/fuzz/fuzz_markdown tests/fuzz/fuzz_url \
	tests/fuzz/fuzz_command tests/fuzz/fuzz_keys tests/fuzz/fuzz_news \
	tests/fuzz/fuzz_print tests/fuzz/fuzz_redis tests/fuzz/fuzz_suspects \
	tests/fuzz/fuzz_trail
check_PROGRAMS += $(fuzz_targets)
if FUZZ
fuzz_main =
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
fuzz_main = tests/fuzz/replay.c
fuzz_ldflags = $(AM_LDFLAGS)
endif
tests_fuzz_fuzz_access_SOURCES = tests/fuzz/fuzz_access.c $(fuzz_main)
tests_fuzz_fuzz_access_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_apply_SOURCES = tests/fuzz/fuzz_apply.c $(fuzz_main)
tests_fuzz_fuzz_apply_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c $(fuzz_main)
tests_fuzz_fuzz_conf_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_content_SOURCES = tests/fuzz/fuzz_content.c $(fuzz_main)
tests_fuzz_fuzz_content_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_envelope_SOURCES = tests/fuzz/fuzz_envelope.c $(fuzz_main)
tests_fuzz_fuzz_envelope_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_frames_SOURCES = tests/fuzz/fuzz_frames.c $(fuzz_main)
tests_fuzz_fuzz_frames_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_host_SOURCES = tests/fuzz/fuzz_host.c $(fuzz_main)
tests_fuzz_fuzz_host_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(fuzz_main)
tests_fuzz_fuzz_json_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_link_SOURCES = tests/fuzz/fuzz_link.c $(fuzz_main)
tests_fuzz_fuzz_link_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_openai_SOURCES = tests/fuzz/fuzz_openai.c $(fuzz_main)
tests_fuzz_fuzz_openai_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_routes_SOURCES = tests/fuzz/fuzz_routes.c $(fuzz_main)
tests_fuzz_fuzz_routes_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_permalink_SOURCES = tests/fuzz/fuzz_permalink.c $(fuzz_main)
tests_fuzz_fuzz_permalink_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_rich_SOURCES = tests/fuzz/fuzz_rich.c $(fuzz_main)
tests_fuzz_fuzz_rich_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_sim_SOURCES = tests/fuzz/fuzz_sim.c $(fuzz_main)
tests_fuzz_fuzz_sim_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_speech_SOURCES = tests/fuzz/fuzz_speech.c $(fuzz_main)
tests_fuzz_fuzz_speech_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_sse_SOURCES = tests/fuzz/fuzz_sse.c $(fuzz_main)
tests_fuzz_fuzz_sse_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_swept_SOURCES = tests/fuzz/fuzz_swept.c $(fuzz_main)
tests_fuzz_fuzz_swept_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_markdown_SOURCES = tests/fuzz/fuzz_markdown.c $(fuzz_main)
tests_fuzz_fuzz_markdown_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c $(fuzz_main)
tests_fuzz_fuzz_text_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_url_SOURCES = tests/fuzz/fuzz_url.c $(fuzz_main)
tests_fuzz_fuzz_url_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_command_SOURCES = tests/fuzz/fuzz_command.c $(fuzz_main)
tests_fuzz_fuzz_command_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_keys_SOURCES = tests/fuzz/fuzz_keys.c $(fuzz_main)
tests_fuzz_fuzz_keys_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_news_SOURCES = tests/fuzz/fuzz_news.c $(fuzz_main)
tests_fuzz_fuzz_news_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_print_SOURCES = tests/fuzz/fuzz_print.c $(fuzz_main)
tests_fuzz_fuzz_print_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_redis_SOURCES = tests/fuzz/fuzz_redis.c $(fuzz_main)
tests_fuzz_fuzz_redis_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_suspects_SOURCES = tests/fuzz/fuzz_suspects.c $(fuzz_main)
tests_fuzz_fuzz_suspects_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_trail_SOURCES = tests/fuzz/fuzz_trail.c $(fuzz_main)
tests_fuzz_fuzz_trail_LDFLAGS = $(fuzz_ldflags)

