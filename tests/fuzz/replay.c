/* SPDX-License-Identifier: ISC */
/*
 * Stands in for libFuzzer in "make check": runs the target over its corpus,
 * tests/fuzz/corpus/<name>, found by the program's own name fuzz_<name>.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	uint8_t *data = malloc(INPUT_MAX);
	FILE *f = fopen(path, "rb");
	uint8_t *exact = NULL;
	size_t n;
	int rc = -1;

	if (!data || !f)
		goto out;
	n = fread(data, 1, INPUT_MAX, f);
	/* A block of just its size, so that ASan sees a read behind it. */
	exact = malloc(n ? n : 1);
	if (!exact)
		goto out;
	memcpy(exact, data, n);
	LLVMFuzzerTestOneInput(exact, n);
	rc = 0;
out:
	if (rc < 0)
		perror(path);
	if (f)
		fclose(f);
	free(exact);
	free(data);
	return rc;
}

int main(int argc, char **argv)
{
	const char *top = getenv("KONSTRUCT_SRCDIR");
	const char *name = strrchr(argv[0], '/');
	struct dirent *d;
	char path[4096];
	size_t len;
	int n = 0;
	DIR *dir;

	(void)argc;
	name = name ? name + 1 : argv[0];
	name = strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name;
	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", top ? top : ".",
		 name);
	dir = opendir(path);
	if (!dir) {
		perror(path);
		return EXIT_FAILURE;
	}
	len = strlen(path);
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path + len, sizeof(path) - len, "/%s", d->d_name);
		if (replay(path) < 0)
			return EXIT_FAILURE;
		n++;
	}
	closedir(dir);
	printf("%s: %d inputs replayed\n", name, n);
	return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
