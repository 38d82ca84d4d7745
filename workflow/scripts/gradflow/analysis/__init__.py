"""Analysis of finished runs: tables, statistics, claims."""
