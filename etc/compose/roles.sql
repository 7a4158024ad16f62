-- SPDX-License-Identifier: ISC
--
-- The roles and the database of docs/postgresql.md, for compose.yaml.
CREATE ROLE konstruct_owner LOGIN;
CREATE ROLE konstruct_daemon LOGIN;
CREATE ROLE konstruct_definer NOLOGIN;
GRANT konstruct_definer TO konstruct_owner;
CREATE DATABASE konstruct OWNER konstruct_owner ENCODING 'UTF8'
	TEMPLATE template0;
