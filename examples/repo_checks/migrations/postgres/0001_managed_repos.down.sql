DROP TABLE repo_events;
DROP TABLE managed_repos;
DROP FUNCTION repo_events_next_revision();
DROP FUNCTION managed_repos_next_revision();
