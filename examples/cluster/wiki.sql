-- Run once, when the cluster is made. A session of PgBouncer's is set up by nobody but its role.
CREATE ROLE wiki LOGIN PASSWORD '$password';
ALTER ROLE wiki SET synchronous_commit = off;
ALTER ROLE wiki SET statement_timeout = '5s';
CREATE DATABASE wiki OWNER wiki;
