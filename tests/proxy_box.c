/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bed/bed.h"
#include "proxy.h"

#define START_MS 60000

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[80];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static int try_port(int port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	sa.sin_port = htons((uint16_t)port);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rc = connect(fd, (struct sockaddr *)&sa, sizeof(sa));
	close(fd);
	return rc;
}

/* The helper that knows the users, and where they stand. */
static const char *squid_helper(const char *auth, const char **users)
{
	*users = "";
	if (strcmp(auth, "ntlm") == 0)
		return "ntlm_fake_auth";
	*users = auth;
	return strcmp(auth, "digest") == 0 ? "digest_file_auth"
					   : "basic_ncsa_auth";
}

static int run(char *const argv[])
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(126);
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

/* dir/cert.pem and key, and the directory as one of CAs. */
static void make_certificate(const char *dir)
{
	char sh[] = "sh", c[] = "-c", name[] = "sh", at[64];
	char script[] = "cd \"$1\" && openssl req -x509 -newkey ec"
			" -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key"
			" -out cert.pem -days 2 -subj /CN=localhost"
			" -addext subjectAltName=DNS:localhost &&"
			" chmod 644 key && openssl rehash .";
	char *argv[] = { sh, c, script, name, at, NULL };

	(void)snprintf(at, sizeof(at), "%s", dir);
	ck_assert_int_eq(run(argv), 0);
}

static void configure_squid(struct proxy_box *b, const char *auth, int port)
{
	bool tls = strcmp(auth, "tls") == 0;
	char login[512], conf[2048], cert[160] = "";
	const char *users, *helper;

	if (tls) {
		auth = "basic";
		make_certificate(b->dir);
		(void)snprintf(cert, sizeof(cert),
			       " tls-cert=%s/cert.pem tls-key=%s/key", b->dir,
			       b->dir);
		(void)snprintf(b->url, sizeof(b->url), "https://localhost:%d",
			       port);
	}
	helper = squid_helper(auth, &users);
	(void)snprintf(login, sizeof(login),
		       "auth_param %s program /usr/lib/squid/%s %s%s%s\n"
		       "auth_param %s children 1\n%s%s%s",
		       auth, helper, *users ? b->dir : "", *users ? "/" : "",
		       users, auth, *users ? "auth_param " : "", users,
		       *users ? " realm test\n" : "");
	(void)snprintf(conf, sizeof(conf),
		       "%s_port 127.0.0.1:%d%s\npid_filename none\n"
		       "access_log stdio:%s\ncache_log %s/cache.log\n"
		       "cache deny all\ncoredump_dir %s\n"
		       "shutdown_lifetime 0 seconds\npinger_enable off\n"
		       "visible_hostname localhost\n"
		       "icon_directory /usr/share/squid/icons\n"
		       "%sacl known proxy_auth REQUIRED\n"
		       "http_access allow known\nhttp_access deny all\n",
		       tls ? "https" : "http", port, cert, b->log, b->dir,
		       b->dir, login);
	write_file(b->dir, "conf", conf);
	/* "secret", as crypt(3) has it. */
	write_file(b->dir, "basic",
		   "mara:$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1\n");
	write_file(b->dir, "digest", "mara:secret\n");
}

static void configure_tinyproxy(struct proxy_box *b, int port)
{
	char conf[512];

	(void)snprintf(conf, sizeof(conf),
		       "Port %d\nListen 127.0.0.1\nTimeout 600\n"
		       "LogFile \"%s\"\nLogLevel Connect\n"
		       "MaxClients 50\nBasicAuth mara secret\n",
		       port, b->log);
	write_file(b->dir, "conf", conf);
}

/* Squid, if it is started by root, becomes this user. */
static void give_away(const char *dir)
{
	const struct passwd *pw = getpwnam("proxy");

	if (geteuid() == 0 && pw)
		ck_assert_int_eq(chown(dir, pw->pw_uid, pw->pw_gid), 0);
}

static void exec_proxy(const struct proxy_box *b, bool tiny)
{
	static char squid[] = "squid", tinyproxy[] = "tinyproxy";
	static char stay[] = "-N", foreground[] = "-d";
	static char file[] = "-f", config[] = "-c";
	char path[64];
	char *argv[] = { tiny ? tinyproxy : squid, tiny ? foreground : stay,
			 tiny ? config : file, path, NULL };

	(void)snprintf(path, sizeof(path), "%s/conf", b->dir);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	if (!freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr))
		_exit(126);
	(void)execvp(argv[0], argv);
	_exit(127);
}

void proxy_box_make(struct proxy_box *b)
{
	*b = (struct proxy_box){ .dir = "/tmp/konstruct-proxy-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(b->dir));
	ck_assert_int_eq(chmod(b->dir, 0755), 0);
	(void)snprintf(b->log, sizeof(b->log), "%s/access.log", b->dir);
	(void)snprintf(b->password_file, sizeof(b->password_file),
		       "%s/password", b->dir);
	write_file(b->dir, "password", "secret\n");
	ck_assert_int_eq(chmod(b->password_file, 0600), 0);
}

void proxy_box_start(struct proxy_box *b, const char *auth)
{
	bool tiny = strcmp(auth, "tinyproxy") == 0;
	int port = bed_hold_port();
	int ms;

	proxy_box_make(b);
	(void)snprintf(b->url, sizeof(b->url), "http://127.0.0.1:%d", port);
	if (tiny)
		configure_tinyproxy(b, port);
	else
		configure_squid(b, auth, port);
	give_away(b->dir);

	b->pid = fork();
	ck_assert_int_ge(b->pid, 0);
	if (b->pid == 0)
		exec_proxy(b, tiny);
	for (ms = 0; try_port(port) < 0; ms += 5) {
		ck_assert_msg(waitpid(b->pid, NULL, WNOHANG) == 0 &&
				      ms < START_MS,
			      "%s doesn't run: is it installed?",
			      tiny ? "tinyproxy" : "squid");
		poll(NULL, 0, 5);
	}
}

void proxy_box_remove(struct proxy_box *b)
{
	char rm[] = "rm", flag[] = "-rf";
	char *argv[] = { rm, flag, b->dir, NULL };

	(void)run(argv);
}

void proxy_box_stop(struct proxy_box *b)
{
	(void)kill(b->pid, SIGTERM);
	(void)waitpid(b->pid, NULL, 0);
}

size_t proxy_box_logged(const struct proxy_box *b, const char *word)
{
	FILE *f = fopen(b->log, "r");
	char line[1024];
	size_t n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, word) != NULL;
	if (f)
		(void)fclose(f);
	return n;
}
