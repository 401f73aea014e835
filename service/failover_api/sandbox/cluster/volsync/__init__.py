"""VolSync: replication of volumes, with movers that run as pods and bytes that can be looked at."""
