/* SPDX-License-Identifier: ISC */
#ifndef STORE_MIGRATION_H
#define STORE_MIGRATION_H

/*
 * The files of sql/, built in by embed-sql.sh. The first brings an empty
 * database to version 1, the next that to 2.
 */
struct migration {
	const char *name;
	const char *sql;
};
extern const struct migration sqlite_migrations[];
extern const int sqlite_nmigrations;
extern const struct migration postgres_migrations[];
extern const int postgres_nmigrations;
extern const struct migration postgres_after; /* run behind them */

#endif
