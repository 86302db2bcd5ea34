"""The whole system on one machine, with simulated meters: servers, a mail catcher and a runner."""
