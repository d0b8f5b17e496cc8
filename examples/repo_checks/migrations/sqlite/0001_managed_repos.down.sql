DROP TABLE repo_events;
DROP TABLE managed_repos;
