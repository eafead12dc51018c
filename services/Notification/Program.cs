using SecondhandTrade.Notifications;
using SecondhandTrade.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddTown("notification", "notices", NotificationJson.Default);
builder.Services.AddSingleton<NoticeStream>().AddSingleton<NoticeDesk>().AddSingleton<DeadLetters>();
builder.Services.AddSingleton(services => new WakeHandler(NoticeDesk.WakeKind, services.GetRequiredService<NoticeDesk>().Wake));
builder.Services.AddGauge("town.dead_letters", "{letter}", "Events that some app could not take in and nobody has seen to yet.", services => [new(services.GetRequiredService<DeadLetters>().Count())]);

var app = builder.Build();
app.UseWholeDeadLetters();
app.UseTown(direct: "/notices/stream");
app.MapNotices();
app.MapNoticeEvents();
app.MapDeadLetters();
app.Run();
